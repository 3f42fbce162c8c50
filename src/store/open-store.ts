import { WaybillError } from "../domain/errors.js";
import { openSqliteStore, type SqliteStoreOptions } from "./sqlite/open-sqlite-store.js";
import type { Store } from "./store.js";

export type OpenStoreOptions = Omit<SqliteStoreOptions, "path" | "driver">;

/**
 * Opens the store that `url` names: `file:PATH` (relative to the working directory) or `memory:` (gone when closed).
 *
 * Errors: `invalid_input` for another scheme, `store_unsupported` for PostgreSQL, and those of `openSqliteStore`.
 */
export async function openStore(url: string, options: OpenStoreOptions = {}): Promise<Store> {
  if (url === "memory:") return openSqliteStore({ ...options, path: ":memory:" });
  if (url.startsWith("file:") && url.length > "file:".length) {
    return openSqliteStore({ ...options, path: pathOf(url) });
  }
  if (/^postgres(ql)?:\/\//.test(url)) {
    throw new WaybillError("store_unsupported", "This version of Waybill has no PostgreSQL store yet.", {
      hint: "Use a SQLite file, for example --store file:waybill.db; processes of one host can share it.",
    });
  }
  throw new WaybillError("invalid_input", `"${url}" is not a store; expected file:PATH or memory:.`, {
    hint: "For example --store file:./waybill.db or WAYBILL_STORE=file:/var/lib/waybill/waybill.db.",
    details: { url },
  });
}

/** `file:///a/b` and `file:/a/b` name the same file; a path is taken as it is, without percent decoding. */
const pathOf = (url: string): string => url.slice("file:".length).replace(/^\/\/\//, "/");
