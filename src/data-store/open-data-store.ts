import { resolveSettings } from "../config/settings.js";
import { openStore } from "../store/open-store.js";
import { backgroundRuns } from "./background-runs.js";
import { cacheEntries } from "./cache-entries.js";
import type { DataStore } from "./data-store.js";
import { executionHistory, recordExecution } from "./execution-history.js";
import { readExport } from "./import-json.js";
import { runIdsByStart } from "./new-run-id.js";
import type { Opened } from "./opened.js";
import { processVariables } from "./process-variables.js";
import { storePath } from "./store-path.js";

/**
 * Opens the data store in a file, made with its directory when missing; default `storePath()`. Processes may share it.
 *
 * Errors: those of `openSqliteStore`, and `store_unsupported` when the default store is no file.
 */
export async function openDataStore(path?: string): Promise<DataStore> {
  const { home, user, cacheMaxBytes } = await resolveSettings();
  const store = await openStore(`file:${path ?? (await storePath())}`);
  const newId = runIdsByStart(await store.now());
  const opened: Opened = { store, cacheMaxBytes, user, newId, runDir: home.runDir };
  const background = backgroundRuns(opened);
  return {
    ...cacheEntries(opened),
    ...executionHistory(opened),
    ...background,
    ...processVariables(opened),
    importJson: async (text) => {
      const found = readExport(text);
      for (const { record, name } of found.executions) await recordExecution(opened, record, name);
      for (const run of found.backgroundRuns) await background.saveBackgroundRun(run);
      return { executions: found.executions.length, backgroundRuns: found.backgroundRuns.length };
    },
    close: () => store.close(),
  };
}
