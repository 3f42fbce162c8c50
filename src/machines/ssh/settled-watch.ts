/**
 * Waits for the last word on any number of attempts of one machine with a single request: a server allows about ten
 * sessions on a connection (OpenSSH, `MaxSessions`), and a machine may have more runs than that.
 */
import { WaybillError } from "../../domain/errors.js";
import { type AttemptKey, attemptDirName } from "../../domain/machine.js";
import type { Asker } from "../machine-port.js";
import { type AttemptReport, takeReports } from "./attempt-report.js";
import type { RemoteShell, RemoteStream } from "./remote-shell.js";

/** How often whoever waits says that it is still there; what a machine's contact limit is measured by. */
const SIGN_OF_LIFE_MS = 2_000;

/** A watch is replaced at most so often: the machine needs a moment to end the one before, whose session counts till then. */
const REPLACE_MS = 250;

/** How a request says that the one who asks drives the attempt (supervisor/sh/80-observe.sh). */
export const markOf = (who: Asker): "+" | "" => (who === "driver" ? "+" : "");

interface Waiter {
  readonly who: Asker;
  readonly resolve: (report: AttemptReport) => void;
  readonly reject: (error: unknown) => void;
}

export class SettledWatch {
  readonly #shell: RemoteShell;
  readonly #waiters = new Map<string, Set<Waiter>>();
  #stream: RemoteStream | null = null;
  #restarting = false;
  #begunAt = Number.NEGATIVE_INFINITY;

  constructor(shell: RemoteShell) {
    this.#shell = shell;
  }

  /** Resolves with the attempt's report once it has settled. Rejects with the abort, or with `machine_unreachable` and the like. */
  settled(key: AttemptKey, signal?: AbortSignal, who: Asker = "onlooker"): Promise<AttemptReport> {
    signal?.throwIfAborted();
    const name = attemptDirName(key);
    return new Promise<AttemptReport>((resolve, reject) => {
      const leave = (): void => {
        signal?.removeEventListener("abort", abort);
        const others = this.#waiters.get(name);
        others?.delete(waiter);
        if (others?.size === 0) this.#waiters.delete(name);
        if (this.#waiters.size === 0) this.#stop();
      };
      const waiter: Waiter = {
        who,
        resolve: (report) => {
          leave();
          resolve(report);
        },
        reject: (error) => {
          leave();
          reject(error);
        },
      };
      const abort = (): void => {
        waiter.reject(signal?.reason);
        // Whoever no longer drives the attempt must not keep up its contact.
        if (who === "driver" && this.#waiters.size > 0) this.#restartSoon();
      };
      signal?.addEventListener("abort", abort, { once: true });
      const asked = this.#marks().get(name);
      const others = this.#waiters.get(name);
      if (others === undefined) this.#waiters.set(name, new Set([waiter]));
      else others.add(waiter);
      // Runs that are started together are asked for together; what is asked for already is not asked for again.
      if (asked !== this.#marks().get(name)) this.#restartSoon();
    });
  }

  #restartSoon(): void {
    if (this.#restarting) return;
    this.#restarting = true;
    // Never before this turn of the event loop is over: runs that are started together are asked for together.
    const wait = Math.max(0, this.#begunAt + REPLACE_MS - performance.now());
    setTimeout(() => {
      this.#restarting = false;
      this.#stop();
      if (this.#waiters.size > 0) void this.#watch();
    }, wait);
  }

  #stop(): void {
    this.#stream?.close();
    this.#stream = null;
  }

  async #watch(): Promise<void> {
    this.#begunAt = performance.now();
    const marks = this.#marks();
    const asked = [...marks.keys()];
    const args = asked.map((name) => `${marks.get(name)}${name}`);
    const stream = this.#shell.open({ verb: "await", args, deadlineMs: null, lasting: true });
    this.#stream = stream;
    let told = 0;
    const alive = setInterval(() => stream.send("\n"), SIGN_OF_LIFE_MS).unref();
    try {
      let text = "";
      for await (const chunk of stream.output) {
        const taken = takeReports(text + chunk.toString());
        text = taken.rest;
        told += taken.reports.length;
        for (const report of taken.reports) this.#tell(report);
      }
      // Replaced by a watch that also asks for newer attempts: what this one had not told, that one will.
      if (this.#stream !== stream) return;
      if (told === 0) throw new WaybillError("machine_unreachable", "The machine's answer cannot be read.");
      this.#stream = null;
      // The verb left and some attempts were not told of: they are asked for again.
      if (this.#waiters.size > 0) this.#restartSoon();
    } catch (error) {
      if (this.#stream !== stream) return;
      this.#stream = null;
      for (const name of asked) for (const waiter of this.#waiters.get(name) ?? []) waiter.reject(error);
      if (this.#waiters.size > 0) this.#restartSoon();
    } finally {
      clearInterval(alive);
    }
  }

  /** The attempts that are waited for, each marked as its driver's if one of its waiters drives it. */
  #marks(): ReadonlyMap<string, "+" | ""> {
    const isDriven = (waiters: ReadonlySet<Waiter>) => [...waiters].some(({ who }) => who === "driver");
    return new Map([...this.#waiters].map(([name, all]) => [name, markOf(isDriven(all) ? "driver" : "onlooker")]));
  }

  #tell(report: AttemptReport): void {
    for (const waiter of this.#waiters.get(attemptDirName(report.key)) ?? []) waiter.resolve(report);
  }
}
