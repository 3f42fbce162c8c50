/**
 * All writes issued in one turn of the event loop share one transaction, and are acknowledged after its commit.
 *
 * One durable commit costs one fsync, whatever is in it: a thousand concurrent writes cost little more than one.
 * Each write has a savepoint of its own, so that one which throws undoes itself and not its neighbours. When another
 * process holds the lock, waiting is done by timers, so that the event loop and its heartbeats go on.
 */
import { WaybillError } from "../../domain/errors.js";
import type { SqliteConnection, SqliteDriver } from "./driver.js";
import { findLockHolder } from "./lock-holder.js";
import { toStoreError } from "./sqlite-errors.js";
import type { Statements } from "./statements.js";
import type { Turnstile } from "./turnstile.js";

/** A group ends after this many milliseconds; what is left goes into the next, after the event loop had its turn. */
const LONGEST_GROUP_MS = 10;
/** A waiter tries every millisecond at first, and less often once the lock has been held for unusually long. */
const EAGER_MS = 500;
const EAGER_PAUSE_MS = 1;
const PATIENT_PAUSE_MS = 5;

/** Faults after which nothing of the group can be kept. */
const FATAL = new Set(["full", "io", "corrupt", "readonly", "cannot_open", "busy"]);

interface PendingWrite {
  readonly since: number;
  readonly work: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

type Result = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown };

export interface GroupCommitOptions {
  readonly driver: SqliteDriver;
  readonly connection: SqliteConnection;
  readonly statements: Statements;
  readonly path: string;
  readonly patienceMs: number;
  /** Null for a store that no other process can reach. */
  readonly turnstile: Turnstile | null;
  readonly onCommit: () => void;
}

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  #queue: PendingWrite[] = [];
  #scheduled = false;
  #timer: NodeJS.Timeout | null = null;
  #waitingSince = 0;
  #idle: (() => void)[] = [];

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /**
   * Queues `work` for the next group. It runs synchronously inside the transaction, once; what it throws undoes it alone.
   *
   * @returns what `work` returned, once that is durable. Errors: `store_busy`, `store_full`, `store_unwritable`, `store_corrupt`.
   */
  write<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ since: performance.now(), work, resolve: (value) => resolve(value as T), reject });
      this.#schedule();
    });
  }

  /** Resolves when nothing is waiting to be written. */
  settled(): Promise<void> {
    if (this.#queue.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #schedule(): void {
    if (this.#scheduled || this.#timer !== null || this.#queue.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#options.turnstile?.shouldStepBack() === true || !this.#begin()) this.#startWaiting();
    else this.#runGroup();
  }

  /** @returns false when another process holds the lock. Any other failure rejects what waits. */
  #begin(): boolean {
    const { driver, statements } = this.#options;
    try {
      statements.get("BEGIN IMMEDIATE").run();
      return true;
    } catch (error) {
      if (driver.faultOf(error) === "busy") return false;
      const failed = this.#queue.splice(0);
      const failure = this.#translate(error);
      for (const write of failed) write.reject(failure);
      this.#announceIdle();
      return false;
    }
  }

  #startWaiting(): void {
    if (this.#queue.length === 0) return;
    this.#waitingSince = performance.now();
    this.#options.turnstile?.enter();
    this.#waitMore();
  }

  #waitMore(): void {
    const waited = performance.now() - this.#waitingSince;
    this.#timer = setTimeout(() => this.#tryAgain(), waited < EAGER_MS ? EAGER_PAUSE_MS : PATIENT_PAUSE_MS);
  }

  #tryAgain(): void {
    this.#timer = null;
    const { turnstile } = this.#options;
    if ((turnstile === null || turnstile.mayTry()) && this.#begin()) {
      turnstile?.leave();
      this.#runGroup();
      return;
    }
    this.#giveUpOnTheOldest();
    if (this.#queue.length > 0) this.#waitMore();
    else turnstile?.leave();
  }

  #giveUpOnTheOldest(): void {
    const limit = performance.now() - this.#options.patienceMs;
    const first = this.#queue.findIndex((write) => write.since > limit);
    const expired = this.#queue.splice(0, first < 0 ? this.#queue.length : first);
    if (expired.length === 0) return;
    const failure = this.busyError();
    for (const write of expired) write.reject(failure);
    this.#announceIdle();
  }

  #runGroup(): void {
    const { statements, turnstile, onCommit } = this.#options;
    const started = turnstile?.mark() ?? 0;
    const group = this.#queue;
    this.#queue = [];
    let results: Result[];
    try {
      results = this.#runWrites(group);
      statements.get("COMMIT").run();
    } catch (error) {
      this.#rollBack();
      this.#endGroup(group, this.#translate(error), started);
      return;
    }
    this.#queue = group.splice(results.length).concat(this.#queue);
    turnstile?.released(started);
    onCommit();
    group.forEach((write, at) => {
      const result = results[at];
      if (result?.ok === true) write.resolve(result.value);
      else write.reject(result?.error);
    });
    this.#announceIdle();
    this.#schedule();
  }

  #endGroup(group: readonly PendingWrite[], failure: unknown, started: number): void {
    this.#options.turnstile?.released(started);
    for (const write of group) write.reject(failure);
    this.#announceIdle();
    this.#schedule();
  }

  /** Runs writes in order until the group's time is over. One alone needs no savepoint: its transaction is its own. */
  #runWrites(group: readonly PendingWrite[]): Result[] {
    const [only] = group;
    if (group.length === 1 && only !== undefined) return [{ ok: true, value: only.work() }];
    const limit = performance.now() + LONGEST_GROUP_MS;
    const results: Result[] = [];
    for (const { work } of group) {
      results.push(this.#runOne(work));
      if (performance.now() > limit) break;
    }
    return results;
  }

  #runOne(work: () => unknown): Result {
    const { connection, driver, statements } = this.#options;
    statements.get("SAVEPOINT one").run();
    try {
      const value = work();
      statements.get("RELEASE one").run();
      return { ok: true, value };
    } catch (error) {
      const fault = driver.faultOf(error);
      if (!connection.inTransaction || (fault !== null && FATAL.has(fault))) throw error;
      statements.get("ROLLBACK TO one").run();
      statements.get("RELEASE one").run();
      return { ok: false, error: this.#translate(error) };
    }
  }

  #rollBack(): void {
    // SQLite has already rolled back after some failures (https://sqlite.org/lang_transaction.html, 3).
    if (this.#options.connection.inTransaction) this.#options.statements.get("ROLLBACK").run();
  }

  #announceIdle(): void {
    if (this.#queue.length > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #translate(error: unknown): unknown {
    return toStoreError(error, this.#options.driver, this.#options.path);
  }

  /** `store_busy` with who holds the lock, where the system tells. */
  busyError(): WaybillError {
    const { path, patienceMs } = this.#options;
    const holder = findLockHolder(path);
    const who =
      holder === null ? "another process" : `process ${holder.pid}${holder.command ? ` (${holder.command})` : ""}`;
    return new WaybillError("store_busy", `The store ${path} has been locked for ${patienceMs} ms by ${who}.`, {
      hint:
        holder === null
          ? "Try again, or end the program that keeps a transaction open on the file."
          : `Wait for process ${holder.pid}, or end it if it hangs.`,
      details: { path, patienceMs, ...(holder === null ? {} : { pid: holder.pid, command: holder.command }) },
    });
  }
}
