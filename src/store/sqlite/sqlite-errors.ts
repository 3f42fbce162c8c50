/** Turns what SQLite could not do into an error that says what was found, where, and what to do about it. */
import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import type { ErrorCode } from "../../domain/errors.js";
import { WaybillError } from "../../domain/errors.js";
import type { SqliteDriver, SqliteFault } from "./driver.js";

interface Remedy {
  readonly code: ErrorCode;
  readonly found: string;
  readonly hint: string;
}

const REMEDIES: Readonly<Record<SqliteFault, Remedy>> = {
  busy: {
    code: "store_busy",
    found: "is locked by another process",
    hint: "Try again; `waybill doctor` shows who holds the store.",
  },
  full: {
    code: "store_full",
    found: "cannot grow: the disk or the quota is full. Nothing that was acknowledged is lost",
    hint: "Free space on the file system of the store, or remove old runs with `waybill store gc`, and try again.",
  },
  readonly: {
    code: "store_unwritable",
    found: "cannot be written",
    hint: "Check the owner and the mode of the file and of its directory, or choose another store with --store.",
  },
  cannot_open: {
    code: "store_unwritable",
    found: "cannot be opened",
    hint: "Check that the directory exists and that you may write in it, or choose another store with --store.",
  },
  corrupt: {
    code: "store_corrupt",
    found: "is not a whole SQLite database; it was left as it is",
    hint: "Restore it from a copy, or move it away together with its -wal and -shm files to begin with an empty store.",
  },
  io: {
    code: "store_unwritable",
    found: "cannot be read or written: the system reports an input/output error",
    hint: "Check the disk and the system's log (`dmesg`).",
  },
  constraint: {
    code: "invalid_input",
    found: "refused a record that contradicts its rules",
    hint: "The message names the rule; this is a bug of the caller or of Waybill.",
  },
  other: { code: "internal", found: "could not be used", hint: "Please report this with the message." },
};

/** An input/output error on a full disk is the full disk's fault: SQLite reports ENOSPC in its shared memory as `io`. */
function isDiskFull(path: string): boolean {
  try {
    return statfsSync(dirname(path)).bavail === 0;
  } catch {
    // The directory cannot be looked at either: the error at hand says more than this one would.
    return false;
  }
}

/** @returns `error` itself unless it comes from SQLite. */
export function toStoreError(error: unknown, driver: SqliteDriver, path: string): unknown {
  const reported = driver.faultOf(error);
  if (reported === null) return error;
  const fault = reported === "io" && isDiskFull(path) ? "full" : reported;
  const { code, found, hint } = REMEDIES[fault];
  const said = error instanceof Error ? error.message : String(error);
  return new WaybillError(code, `The store ${path} ${found} (SQLite: ${said}).`, {
    hint,
    details: { path, fault },
    cause: error,
  });
}
