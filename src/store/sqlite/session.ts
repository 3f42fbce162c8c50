/** One open database: what the stores of the aggregates share. */
import { WaybillError } from "../../domain/errors.js";
import type { SqliteConnection, SqliteDriver, SqliteStatement } from "./driver.js";
import { GroupCommit } from "./group-commit.js";
import { patiently } from "./patience.js";
import { toStoreError } from "./sqlite-errors.js";
import { Statements } from "./statements.js";
import { Turnstile } from "./turnstile.js";

export interface SessionOptions {
  readonly driver: SqliteDriver;
  readonly connection: SqliteConnection;
  /** The file, or `:memory:`. */
  readonly path: string;
  readonly readOnly: boolean;
  /** Whether other processes can write it too. */
  readonly shared: boolean;
  readonly patienceMs: number;
  readonly clock: () => number;
}

/** What a write needs: statements and the clock. A caller's own transaction has them too (`transactional-submit.ts`). */
export type SqlScope = Pick<Session, "sql" | "now">;

export class Session {
  readonly path: string;
  /** The store's clock; epoch milliseconds. */
  readonly now: () => number;
  readonly #options: SessionOptions;
  readonly #statements: Statements;
  readonly #turnstile: Turnstile | null;
  readonly #group: GroupCommit;
  readonly #listeners = new Set<() => void>();
  #closed = false;

  constructor(options: SessionOptions) {
    const { driver, connection, path, patienceMs, shared, readOnly } = options;
    this.path = path;
    this.now = options.clock;
    this.#options = options;
    this.#statements = new Statements(connection);
    this.#turnstile = shared && !readOnly ? new Turnstile(`${path}-queue`) : null;
    const onCommit = (): void => {
      for (const listener of this.#listeners) listener();
    };
    const statements = this.#statements;
    const turnstile = this.#turnstile;
    this.#group = new GroupCommit({ driver, connection, path, patienceMs, statements, turnstile, onCommit });
  }

  sql(text: string): SqliteStatement {
    return this.#statements.get(text);
  }

  /** Runs `work` as one durable write, see `GroupCommit.write`. Errors: those, and `store_unwritable` on a read-only store. */
  write<T>(work: () => T): Promise<T> {
    if (this.#closed) return Promise.reject(this.#closedError());
    if (this.#options.readOnly) return Promise.reject(this.#readOnlyError());
    return this.#group.write(work);
  }

  /** Runs `work`, which reads. Even a read can find the file locked, for moments: while another process recovers or closes it. */
  async read<T>(work: () => T): Promise<T> {
    if (this.#closed) throw this.#closedError();
    try {
      return await patiently(work, this.#isBusy, this.#options.patienceMs, () => this.#group.busyError());
    } catch (error) {
      throw toStoreError(error, this.#options.driver, this.path);
    }
  }

  /** Like `read`, for several statements that must see one state. */
  snapshot<T>(work: () => T): Promise<T> {
    return this.read(() => {
      this.sql("BEGIN").run();
      try {
        return work();
      } finally {
        this.sql("COMMIT").run();
      }
    });
  }

  /** Calls `listener` after each commit of this session. @returns how to stop that. */
  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Writes what waits, then closes. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#group.settled();
    this.#turnstile?.close();
    this.#options.connection.close();
  }

  get closed(): boolean {
    return this.#closed;
  }

  readonly #isBusy = (error: unknown): boolean => this.#options.driver.faultOf(error) === "busy";

  #closedError(): WaybillError {
    return new WaybillError("invalid_state", `The store ${this.path} was closed.`, { hint: "Open it again." });
  }

  #readOnlyError(): WaybillError {
    return new WaybillError("store_unwritable", `The store ${this.path} may only be read by this user.`, {
      hint: "Check the owner and the mode of the file and of its directory, or choose another store with --store.",
      details: { path: this.path },
    });
  }
}
