import { existsSync } from "node:fs";
import { openStore } from "../store/open-store.js";

/**
 * Brings the store at `path` to the present schema, whatever version wrote it; safe to call any number of times. Nothing to
 * do when there is no file.
 *
 * The source has to move scopes below a bucket of their own, and took other records along. Here scopes have always had a
 * table of their own, so every scope is found under the name under which it was written.
 *
 * Errors: those of `openSqliteStore`, `store_newer` among them.
 */
export async function migrateProcessBuckets(path: string): Promise<void> {
  if (!existsSync(path)) return;
  await (await openStore(`file:${path}`)).close();
}
