/**
 * Real pipes for the output of children. Node connects its children by sockets, which cannot be opened again: a script
 * that writes to `/dev/stderr` would fail there. Names are made many at a time, since each making is a process.
 */
import { execFile } from "node:child_process";
import { closeSync, constants, openSync, unlinkSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { WaybillError } from "../../domain/errors.js";
import type { Environment } from "../environment.js";

const exec = promisify(execFile);

/** How many are made at once. */
const BATCH = 64;

export interface Pipe {
  readonly readable: Readable;
  /** For the child alone: to be closed here once it has been started. */
  readonly writer: number;
}

export class PipeMaker {
  readonly #directory: string;
  readonly #environment: Environment;
  #made = 0;
  #names: string[] = [];
  #making: Promise<void> | null = null;

  /** @param directory where their names are for a moment; it must be the worker's own */
  constructor(directory: string, environment: Environment) {
    this.#directory = directory;
    this.#environment = environment;
  }

  /** Errors: `spawn_failed` where no pipe can be made. */
  async make(): Promise<Pipe> {
    for (;;) {
      const name = this.#names.pop();
      if (name !== undefined) return openPipe(name);
      this.#making ??= this.#makeNames().finally(() => {
        this.#making = null;
      });
      await this.#making;
    }
  }

  async #makeNames(): Promise<void> {
    const names = Array.from({ length: BATCH }, (_, at) => join(this.#directory, `pipe-${this.#made + at}`));
    this.#made += BATCH;
    try {
      await exec("mkfifo", ["-m", "600", ...names], { env: this.#environment });
    } catch (cause) {
      throw new WaybillError(
        "spawn_failed",
        `No pipes can be made in ${this.#directory}: ${(cause as Error).message}.`,
        {
          hint: "WAYBILL_HOME must be on a file system that has named pipes.",
          cause,
        },
      );
    }
    this.#names.push(...names);
  }
}

/** Nobody else can open it any more once its name is gone. */
function openPipe(name: string): Pipe {
  // Opened for reading without waiting for a writer, so that the writer's end can be opened here.
  const reader = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(name, constants.O_WRONLY);
  unlinkSync(name);
  return { readable: new Socket({ fd: reader, readable: true, writable: false }), writer };
}

export const closeWriter = ({ writer }: Pipe): void => closeSync(writer);
