/** Background runs: those that were told of under an id of their own, and those that Waybill executes detached. */
import { rm } from "node:fs/promises";
import { WaybillError } from "../domain/errors.js";
import { isTerminal, NO_PROVENANCE, type Run } from "../domain/run.js";
import { checkBackgroundRun, mustBeNamed } from "./check-record.js";
import type { BackgroundRun, DataStore } from "./data-store.js";
import type { Opened } from "./opened.js";

const PAGE = 500;

type BackgroundRuns = Pick<
  DataStore,
  "saveBackgroundRun" | "getBackgroundRun" | "listBackgroundRuns" | "deleteBackgroundRun"
>;

const nameOf = (id: string): string => `background/${id}`;
const isTold = (run: Run): boolean => run.kind === "external";
const recordOf = (run: Run): BackgroundRun => (run.evidence?.record ?? {}) as BackgroundRun;

function toBackgroundRun(run: Run): BackgroundRun {
  if (isTold(run)) return recordOf(run);
  return {
    id: run.id,
    pid: run.pid ?? 0,
    ref: run.ref,
    startedAt: new Date(run.startedAt ?? run.createdAt).toISOString(),
    status: !isTerminal(run.status) ? "running" : run.status === "completed" ? "completed" : "failed",
    ...(run.logsPath === null ? {} : { logArchiveId: run.logsPath }),
    ...(run.errorMsg === null ? {} : { error: run.errorMsg }),
    ...(run.endedAt === null ? {} : { completedAt: new Date(run.endedAt).toISOString() }),
  };
}

/** What is saved over a run that has ended: its end stays as it was told first. */
function withFirstEnd(found: Run | null, { error, completedAt, ...saved }: BackgroundRun): BackgroundRun {
  const end = found !== null && isTerminal(found.status) ? recordOf(found) : { ...saved, error, completedAt };
  return {
    ...saved,
    status: end.status,
    ...(end.error === undefined ? {} : { error: end.error }),
    ...(end.completedAt === undefined ? {} : { completedAt: end.completedAt }),
  };
}

async function save(opened: Opened, given: BackgroundRun): Promise<void> {
  const saved = checkBackgroundRun(given);
  const startedAt = Date.parse(saved.startedAt);
  const id = opened.newId(startedAt);
  const now = await opened.store.now();
  await opened.store.externalRuns.recordRun(nameOf(saved.id), (found) => {
    const record = withFirstEnd(found, saved);
    const { status, completedAt } = record;
    return {
      id,
      ref: record.ref,
      status,
      startedAt,
      endedAt: status === "running" ? null : completedAt === undefined ? now : Date.parse(completedAt),
      exitCode: status === "completed" ? 0 : null,
      errorMsg: record.error ?? null,
      pid: record.pid,
      logsPath: record.logArchiveId ?? null,
      detached: true,
      createdBy: opened.user,
      provenance: NO_PROVENANCE,
      record: { ...record },
    };
  });
}

async function find({ store }: Opened, id: string): Promise<Run | null> {
  mustBeNamed("id", id);
  const told = await store.externalRuns.findByName(nameOf(id));
  if (told !== null) return told;
  const run = await store.runs.getRun(id);
  return run?.detached && !isTold(run) ? run : null;
}

async function list({ store }: Opened): Promise<BackgroundRun[]> {
  const found: BackgroundRun[] = [];
  for (let page = await store.externalRuns.listDetached("", PAGE); page.length > 0; ) {
    found.push(...page.map(toBackgroundRun));
    page = await store.externalRuns.listDetached(page.at(-1)?.id ?? "", PAGE);
  }
  return found;
}

export function backgroundRuns(opened: Opened): BackgroundRuns {
  return {
    saveBackgroundRun: (run) => save(opened, run),
    getBackgroundRun: async (id) => {
      const run = await find(opened, id);
      if (run !== null) return toBackgroundRun(run);
      throw new WaybillError("run_not_found", `There is no background run ${JSON.stringify(id)}.`, {
        hint: "listBackgroundRuns() has all there are.",
        details: { id },
      });
    },
    listBackgroundRuns: () => list(opened),
    deleteBackgroundRun: async (id) => {
      const run = await find(opened, id);
      if (run === null) return;
      if (await opened.store.runs.removeRun(run.id)) {
        await rm(opened.runDir(run.id), { recursive: true, force: true });
      } else if ((await opened.store.runs.getRun(run.id)) !== null) {
        throw new WaybillError("invalid_state", `Run ${run.id} is active; it was not deleted.`, {
          hint: `Cancel it first: \`waybill runs cancel ${run.id}\`.`,
        });
      }
    },
  };
}
