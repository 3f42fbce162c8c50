/** Where the store is, and which scope this process works in. */
import { currentScope, resolveSettings } from "../config/settings.js";
import { WaybillError } from "../domain/errors.js";

/** The file of the default store (`WAYBILL_STORE`, config file, else below `WAYBILL_HOME`). Errors: `store_unsupported` when it is no file. */
export async function storePath(): Promise<string> {
  const { storeUrl } = await resolveSettings();
  if (storeUrl.startsWith("file:")) return storeUrl.slice("file:".length).replace(/^\/\/\//, "/");
  throw new WaybillError("store_unsupported", `The store ${storeUrl} is no file.`, {
    hint: "Set WAYBILL_STORE to file:PATH, or give a path.",
  });
}

/** The scope that this process works in: `WAYBILL_SCOPE`, which inside a run is the run's own; else `root`. */
export const environmentBucket = (): string => currentScope();
