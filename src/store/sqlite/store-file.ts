/** The file of a store: private to its user, on a disk whose locks work, opened for writing or, failing that, for reading. */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { isDiskFull } from "../../domain/disk-full.js";
import { WaybillError } from "../../domain/errors.js";
import type { SqliteConnection, SqliteDriver } from "./driver.js";
import { refuseNetworkFileSystem } from "./file-system.js";

export const MEMORY = ":memory:";

export interface OpenedFile {
  readonly connection: SqliteConnection;
  readonly readOnly: boolean;
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;
const REFUSED = new Set(["EACCES", "EPERM", "EROFS"]);

/**
 * Creates directory (0700) and file (0600) where they are missing. SQLite gives `-wal` and `-shm` the mode of the file.
 *
 * A file that exists is not opened here: closing it would drop the locks that another store of this process has on it
 * (https://sqlite.org/howtocorrupt.html, 2.2).
 */
function createPrivately(path: string): void {
  const directory = dirname(path);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    refuseNetworkFileSystem(directory);
    if (!existsSync(path)) closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if (error instanceof WaybillError) throw error;
    const code = codeOf(error);
    if (code === "EEXIST" && existsSync(path)) return; // Another process was faster.
    const full = isDiskFull(code);
    throw new WaybillError(full ? "store_full" : "store_unwritable", `The store ${path} cannot be created (${code}).`, {
      hint: full
        ? "Free space on that file system, or choose another store with --store."
        : "Check who may write in the directory, or choose another store with --store or WAYBILL_STORE.",
      details: { path, errno: code },
      cause: error,
    });
  }
}

/**
 * The largest file that is read whole when its directory cannot hold SQLite's shared memory; bytes.
 */
const LARGEST_IMAGE = 1 << 30;

/**
 * A database in WAL mode needs its `-shm` file even to be read. In a directory that is not ours to write we read the
 * file as an image in memory, marked as not being in WAL mode (file format, 1.3.3: bytes 18 and 19). Nobody can be
 * writing it: a writer's `-wal` and `-shm` would be there, and then SQLite could open it.
 */
function openImage(driver: SqliteDriver, path: string): SqliteConnection {
  if (statSync(path).size > LARGEST_IMAGE) {
    throw new WaybillError("store_unwritable", `The store ${path} is read-only and larger than 1 GiB.`, {
      hint: "Copy it into a directory that you may write in and open the copy.",
      details: { path },
    });
  }
  const image = readFileSync(path);
  if (image.length >= 20) image.fill(1, 18, 20);
  return driver.open(image, { readOnly: true });
}

function openForReading(driver: SqliteDriver, path: string): OpenedFile {
  const connection = driver.open(path, { readOnly: true });
  try {
    connection.prepare("PRAGMA user_version").get();
    return { connection, readOnly: true };
  } catch (error) {
    connection.close();
    const fault = driver.faultOf(error);
    if (fault !== "cannot_open" && fault !== "readonly") throw error;
    return { connection: openImage(driver, path), readOnly: true };
  }
}

/** Whether this user may write the file and beside it; opening says so only at the first write. */
function isWritable(driver: SqliteDriver, connection: SqliteConnection): boolean {
  try {
    connection.prepare("PRAGMA user_version").get();
    return true;
  } catch (error) {
    const fault = driver.faultOf(error);
    if (fault === "cannot_open" || fault === "readonly") return false;
    throw error;
  }
}

/**
 * Opens `path`, creating it privately. Where it may not be written it is opened for reading.
 *
 * Errors: `store_unsupported`, `store_unwritable`, `store_full`, and what SQLite throws, untranslated.
 */
export function openStoreFile(driver: SqliteDriver, path: string): OpenedFile {
  if (path === MEMORY) return { connection: driver.open(path, { readOnly: false }), readOnly: false };
  createPrivately(path);
  let connection: SqliteConnection;
  try {
    connection = driver.open(path, { readOnly: false });
  } catch (error) {
    if (driver.faultOf(error) !== "cannot_open" || REFUSED.has(codeOf(error) ?? "")) throw error;
    return openForReading(driver, path);
  }
  try {
    if (isWritable(driver, connection)) return { connection, readOnly: false };
  } catch (error) {
    connection.close();
    throw error;
  }
  connection.close();
  return openForReading(driver, path);
}
