import type { Store } from "../store/store.js";

/** What the parts of a data store work with. */
export interface Opened {
  readonly store: Store;
  readonly cacheMaxBytes: number;
  readonly user: string;
  /** An id for a run that started then. */
  readonly newId: (startedAt: number) => string;
  /** Where log and artifacts of a run are kept, if it has any. */
  readonly runDir: (runId: string) => string;
}
