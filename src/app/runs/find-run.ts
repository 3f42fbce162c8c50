/** Finds runs by id or unique prefix. */
import type { Run } from "../../domain/run.js";
import type { Store } from "../../store/store.js";
import { findByPrefix } from "../find-by-prefix.js";

/** Errors: `run_not_found`, `ambiguous_id`. */
export async function findRun(store: Store, id: string): Promise<Run> {
  const find = (prefix: string, limit: number) => store.runs.findRunsByPrefix(prefix, limit);
  return await findByPrefix({ what: "run", notFound: "run_not_found", find, list: "waybill runs list" }, id);
}

export async function findRuns(store: Store, ids: readonly string[]): Promise<Run[]> {
  return await Promise.all(ids.map((id) => findRun(store, id)));
}
