/**
 * Brings a database to the schema of this program, once, whoever comes first.
 *
 * Which schema a file has is in its header (`application_id`, `user_version`), so that opening an up-to-date store
 * reads no SQL file and writes nothing.
 */
import { createHash } from "node:crypto";
import { closeSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { WaybillError } from "../../domain/errors.js";
import type { SqliteConnection, SqliteDriver } from "./driver.js";
import { patiently } from "./patience.js";

/** "Wayb": tells our files from other SQLite files (https://sqlite.org/pragma.html#pragma_application_id). */
export const APPLICATION_ID = 0x57617962;
/** The number of the newest file in `migrations/`; a test compares them. */
export const SCHEMA_VERSION = 11;

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  /** Lower-case hex SHA-256 of the file. */
  readonly checksum: string;
}

const MIGRATIONS = new URL("./migrations/", import.meta.url);

/** Reads `migrations/NNNN_name.sql`, in order. */
export function readMigrations(): readonly Migration[] {
  return readdirSync(MIGRATIONS)
    .filter((file) => file.endsWith(".sql"))
    .sort()
    .map((file) => {
      const sql = readFileSync(new URL(file, MIGRATIONS), "utf8");
      const checksum = createHash("sha256").update(sql).digest("hex");
      return { version: Number.parseInt(file, 10), name: file, sql, checksum };
    });
}

export interface MigrationContext {
  readonly driver: SqliteDriver;
  readonly connection: SqliteConnection;
  readonly path: string;
  readonly patienceMs: number;
  readonly busyError: () => unknown;
}

const pragma = (connection: SqliteConnection, name: string): number =>
  Number(connection.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);

interface Header {
  readonly application: number;
  readonly version: number;
  readonly objects: number;
}

/** Read in one transaction: between two of these questions another process may create the schema. */
function readHeader(connection: SqliteConnection): Header {
  const alone = !connection.inTransaction;
  if (alone) connection.exec("BEGIN");
  try {
    const application = pragma(connection, "application_id");
    const version = pragma(connection, "user_version");
    const row = connection.prepare("SELECT count(*) AS n FROM sqlite_schema").get();
    return { application, version, objects: Number(row?.n ?? 0) };
  } finally {
    if (alone && connection.inTransaction) connection.exec("COMMIT");
  }
}

/**
 * @returns the schema's version, 0 for an empty database.
 *
 * Errors: `store_corrupt` for a database that another program made, `store_newer` for one of a newer Waybill.
 */
export function schemaVersionOf(connection: SqliteConnection, path: string, newest = SCHEMA_VERSION): number {
  const { application, version, objects } = readHeader(connection);
  if (application === APPLICATION_ID) {
    if (version <= newest) return version;
    throw new WaybillError(
      "store_newer",
      `The store ${path} has schema ${version}; this Waybill knows schemas up to ${newest}. It was left untouched.`,
      { hint: "Use the newer Waybill that made it, or choose another store.", details: { path, version, newest } },
    );
  }
  if (application === 0 && version === 0 && objects === 0) return 0;
  throw new WaybillError(
    "store_corrupt",
    `The file ${path} is a SQLite database of another program (application id ${application}, ${objects} objects). It was left untouched.`,
    {
      hint: "Choose another file for the store with --store or WAYBILL_STORE.",
      details: { path, application, objects },
    },
  );
}

/** Applies what is missing in one transaction under the exclusive lock. Two processes may call it at once. */
export async function migrate(context: MigrationContext, migrations: readonly Migration[]): Promise<void> {
  const { connection, driver, patienceMs, busyError } = context;
  const isBusy = (error: unknown): boolean => driver.faultOf(error) === "busy";
  await patiently(() => connection.exec("BEGIN EXCLUSIVE"), isBusy, patienceMs, busyError);
  try {
    const newest = migrations.at(-1)?.version ?? 0;
    const from = schemaVersionOf(connection, context.path, newest);
    if (from < newest) applyMissing(context, from, migrations);
    connection.exec("COMMIT");
  } catch (error) {
    if (connection.inTransaction) connection.exec("ROLLBACK");
    throw error;
  }
}

function applyMissing(context: MigrationContext, from: number, migrations: readonly Migration[]): void {
  const { connection } = context;
  if (from > 0) {
    verifyChecksums(context, migrations);
    copyBefore(context, migrations.at(-1)?.version ?? from);
  }
  connection.exec(`CREATE TABLE IF NOT EXISTS migrations (
    version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL) STRICT`);
  const record = connection.prepare("INSERT INTO migrations VALUES ($version, $name, $checksum)");
  for (const { version, name, sql, checksum } of migrations) {
    if (version <= from) continue;
    connection.exec(sql);
    record.run({ version, name, checksum });
    connection.exec(`PRAGMA user_version = ${version}`);
  }
  connection.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
}

function verifyChecksums({ connection, path }: MigrationContext, migrations: readonly Migration[]): void {
  for (const row of connection.prepare("SELECT version, checksum FROM migrations ORDER BY version").all()) {
    const ours = migrations.find((m) => m.version === row.version);
    if (ours?.checksum === row.checksum) continue;
    throw new WaybillError(
      "store_corrupt",
      `The store ${path} was made with another text of migration ${row.version} (${ours?.name ?? "unknown here"}); it was left untouched.`,
      {
        hint: "Use the Waybill that made it, or export its records there and import them into a fresh store.",
        details: { path, version: row.version, expected: ours?.checksum ?? null, found: row.checksum },
      },
    );
  }
}

/** A whole copy of what was, made by a reader while the lock keeps writers out. */
function copyBefore({ driver, path }: MigrationContext, version: number): void {
  const copy = `${path}.before-${version}`;
  // Left by an attempt that failed; what it holds is older than what is about to be changed.
  rmSync(copy, { force: true });
  closeSync(openSync(copy, "wx", 0o600));
  const reader = driver.open(path, { readOnly: true });
  try {
    reader.prepare("VACUUM INTO $copy").run({ copy });
  } finally {
    reader.close();
  }
}
