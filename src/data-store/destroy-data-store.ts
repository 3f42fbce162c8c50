import { existsSync } from "node:fs";
import { WaybillError } from "../domain/errors.js";
import { openStore } from "../store/open-store.js";
import { storePath } from "./store-path.js";

/**
 * Empties the store in a transaction; default `storePath()`. The file stays, since another process that has it open would
 * go on writing into a file that is no more. Nothing to do when there is no file.
 *
 * Errors: `invalid_state` while Waybill executes a run of it.
 */
export async function destroyStore(path?: string): Promise<void> {
  const file = path ?? (await storePath());
  if (!existsSync(file)) return;
  const store = await openStore(`file:${file}`);
  try {
    const executed = (await store.runs.activeRuns()).filter((run) => run.kind !== "external");
    if (executed.length > 0) {
      throw new WaybillError("invalid_state", `${executed.length} runs are active, among them ${executed[0]?.id}.`, {
        hint: "Wait for them or cancel them first.",
        details: { active: executed.map((run) => run.id) },
      });
    }
    await store.reset();
  } finally {
    await store.close();
  }
}
