import { rm } from "node:fs/promises";
import { join } from "node:path";
import { WaybillError } from "../../domain/errors.js";
import type { CallHandler } from "../context.js";

/** Empties the store in a transaction; its file stays, since another process may have it open. Then the files go. */
export const destroyStore: CallHandler<"store.destroy"> = async (context, input) => {
  const { home, storeUrl } = context.settings;
  if (!input.yes) {
    throw new WaybillError("invalid_input", `This deletes every record, log and artifact of ${storeUrl}.`, {
      hint: "Say so with --yes.",
    });
  }
  const store = await context.store();
  const active = await store.runs.activeRuns();
  if (active.length > 0) {
    throw new WaybillError("invalid_state", `${active.length} runs are active, among them ${active[0]?.id}.`, {
      hint: "Wait for them or cancel them first.",
      details: { active: active.map((run) => run.id) },
    });
  }
  await store.reset();
  for (const path of [join(home.root, "runs"), home.trees, home.dispatchers, home.workers]) {
    await rm(path, { recursive: true, force: true });
  }
  return { destroyed: storeUrl };
};
