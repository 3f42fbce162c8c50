import type { RunFilter, RunPage } from "./run-store.js";

/** Questions about what ran before, by ref. None of them costs more when there is more history. */
export interface HistoryStore {
  /** Refs of which there are runs, by name, those after `after`. */
  listRefs(after: string | null, limit: number): Promise<readonly string[]>;
  /** How many runs match, counted to `most`. */
  countUpTo(filter: RunFilter, bounds: Pick<RunPage, "before" | "from">, most: number): Promise<number>;
  /** Durations in milliseconds of completed runs of `ref` older than the run `before`, newest first. */
  durationsBefore(ref: string, before: string, limit: number): Promise<readonly number[]>;
}
