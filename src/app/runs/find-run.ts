/** Finds runs by id or unique prefix. */
import { WaybillError } from "../../domain/errors.js";
import type { Run } from "../../domain/run.js";
import type { Store } from "../../store/store.js";

/** Errors: `run_not_found`, `ambiguous_id` (which lists the candidates). */
export async function findRun(store: Store, id: string): Promise<Run> {
  const found = await store.runs.findRunsByPrefix(id, 6);
  const exact = found.find((run) => run.id === id);
  if (exact !== undefined) return exact;
  const [only, ...others] = found;
  if (only === undefined) {
    throw new WaybillError("run_not_found", `There is no run ${JSON.stringify(id)}.`, {
      hint: "`waybill runs list` shows the newest ones.",
      details: { id },
    });
  }
  if (others.length === 0) return only;
  const candidates = found.slice(0, 5).map((run) => run.id);
  throw new WaybillError("ambiguous_id", `${JSON.stringify(id)} is the beginning of several run ids.`, {
    hint: `Give more of it: ${candidates.join(", ")}${found.length > 5 ? ", ..." : ""}`,
    details: { id, candidates },
  });
}

export async function findRuns(store: Store, ids: readonly string[]): Promise<Run[]> {
  return await Promise.all(ids.map((id) => findRun(store, id)));
}
