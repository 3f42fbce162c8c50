import { WaybillError } from "../../domain/errors.js";
import { shown, shownOf } from "../../engine/shown.js";
import type { Log } from "../../observe/log.js";

/**
 * Listens for faults that reach nobody, such as a promise of a handler which rejects while nobody waits for it: what they
 * left behind nobody knows, so that this process has to end.
 */
export class StrayFaults {
  /** Rejects at the first, with `internal`. */
  readonly found: Promise<never>;
  #isFound = false;
  readonly #listener: (fault: unknown, origin: NodeJS.UncaughtExceptionOrigin) => void;

  /** Each is told as `serve.unhandled`, with its stack. */
  constructor(log: Log) {
    let reject: (error: WaybillError) => void = () => undefined;
    this.found = new Promise<never>((_resolve, refuse) => {
      reject = refuse;
    });
    // It may be found when nobody looks any more.
    this.found.catch(() => undefined);
    this.#listener = (fault, origin) => {
      this.#isFound = true;
      log("serve.unhandled", { origin, fault: shownOf(() => (fault instanceof Error ? fault.stack : fault)) });
      reject(toError(fault));
    };
    process.on("uncaughtException", this.#listener);
  }

  get isFound(): boolean {
    return this.#isFound;
  }

  stopListening(): void {
    process.off("uncaughtException", this.#listener);
  }
}

const toError = (fault: unknown): WaybillError =>
  new WaybillError(
    "internal",
    `A fault reached nobody: ${shownOf(() => (fault instanceof Error ? String(fault) : shown(fault)))}`,
    {
      hint: "The event serve.unhandled has its stack. Await every promise that a handler makes, or catch what it rejects with.",
    },
  );
