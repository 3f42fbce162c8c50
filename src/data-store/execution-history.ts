/** Execution history: a view of runs that have ended, by ref. */
import { rm } from "node:fs/promises";
import { NO_PROVENANCE, type Run, TERMINAL_STATUSES } from "../domain/run.js";
import { checkExecution, mustBeNamed } from "./check-record.js";
import type { DataStore, ExecutionRecord } from "./data-store.js";
import type { Opened } from "./opened.js";

const NANOSECONDS = 1_000_000;
const PAGE = 500;

type History = Pick<
  DataStore,
  "recordExecution" | "getExecutionHistory" | "listExecutionRefs" | "deleteExecutionHistory"
>;

/** A background run that was only told of has no history: whoever told of it records that by itself. */
const isHistory = (run: Run): boolean => run.kind !== "external" || !run.detached;

function toRecord(run: Run): ExecutionRecord {
  if (run.kind === "external" && run.evidence !== null) return run.evidence.record as ExecutionRecord;
  const startedAt = run.startedAt ?? run.createdAt;
  return {
    ref: run.ref,
    startedAt: new Date(startedAt).toISOString(),
    duration: ((run.endedAt ?? startedAt) - startedAt) * NANOSECONDS,
    exitCode: run.exitCode ?? -1,
    ...(run.errorMsg === null ? {} : { error: run.errorMsg }),
    ...(run.logsPath === null ? {} : { logArchiveId: run.logsPath }),
  };
}

/** Ended runs of a ref, newest first, at most `limit`. */
async function endedRuns({ store }: Opened, ref: string, limit: number): Promise<Run[]> {
  const found: Run[] = [];
  let before: string | undefined;
  while (found.length < limit) {
    const page = { limit: PAGE, ...(before === undefined ? {} : { before }) };
    const runs = await store.runs.listRuns({ ref, statuses: TERMINAL_STATUSES }, page);
    found.push(...runs.filter(isHistory));
    before = runs.at(-1)?.id;
    if (runs.length < PAGE) break;
  }
  return found.slice(0, limit);
}

/** @param name makes recording it again a no-op; null: each is another execution. */
export async function recordExecution(opened: Opened, given: ExecutionRecord, name: string | null): Promise<void> {
  const record = checkExecution(given);
  const startedAt = Date.parse(record.startedAt);
  const id = opened.newId(startedAt);
  await opened.store.externalRuns.recordRun(name, (found) =>
    found !== null
      ? null
      : {
          id,
          ref: record.ref,
          status: record.exitCode === 0 ? "completed" : "failed",
          startedAt,
          endedAt: startedAt + Math.round(record.duration / NANOSECONDS),
          exitCode: record.exitCode,
          errorMsg: record.error ?? null,
          pid: null,
          logsPath: record.logArchiveId ?? null,
          detached: false,
          createdBy: opened.user,
          provenance: NO_PROVENANCE,
          record: { ...record },
        },
  );
}

export function executionHistory(opened: Opened): History {
  const { store } = opened;
  return {
    recordExecution: (record) => recordExecution(opened, record, null),
    getExecutionHistory: async (ref, limit) => {
      mustBeNamed("ref", ref);
      const runs = await endedRuns(opened, ref, limit <= 0 ? Number.POSITIVE_INFINITY : limit);
      return runs.reverse().map(toRecord);
    },
    listExecutionRefs: async () => {
      const refs: string[] = [];
      for (let page = await store.history.listRefs(null, PAGE); page.length > 0; ) {
        for (const ref of page) if ((await endedRuns(opened, ref, 1)).length > 0) refs.push(ref);
        page = await store.history.listRefs(page.at(-1) ?? null, PAGE);
      }
      return refs;
    },
    deleteExecutionHistory: async (ref) => {
      mustBeNamed("ref", ref);
      for (const run of await endedRuns(opened, ref, Number.POSITIVE_INFINITY)) {
        if (await store.runs.removeRun(run.id)) await rm(opened.runDir(run.id), { recursive: true, force: true });
      }
    },
  };
}
