/** The table of all operations. Interfaces are derived from it, `app/handlers.ts` implements it, totally. */
import type * as z from "zod";
import { cancelBatch, checkPlan, listBatches, runBatch, showBatch, watchBatch } from "./batches.js";
import { clearCache, getCached, listCache, removeCached, runCached, setCached } from "./cache.js";
import { execCommand } from "./exec.js";
import { holdGate, listGates, releaseGate } from "./gates.js";
import { history } from "./history.js";
import {
  checkMachines,
  collectMachineGarbage,
  drainMachine,
  importMachines,
  listMachines,
  showMachine,
  undrainMachine,
} from "./machines.js";
import type { Operation } from "./operation.js";
import {
  attachRun,
  cancelRuns,
  type LogPiece,
  listRuns,
  pinRuns,
  removeRuns,
  runArtifacts,
  runLogs,
  showRun,
  submitRun,
  unpinRuns,
  waitRuns,
} from "./runs.js";
import { serve } from "./serve.js";
import {
  collectGarbage,
  destroyStore,
  doctor,
  explain,
  showConfig,
  showSchema,
  storeInfo,
  watchEvents,
} from "./system.js";
import { claimTask, handOffTask, heartbeatTask, reclaimTask, releaseTask, reportProgress } from "./task-claims.js";
import { dispatchParent, dispatchWorker } from "./task-dispatch.js";
import { importTasks } from "./task-import.js";
import { linkTasks, readyTasks, unlinkTasks } from "./task-links.js";
import { addNote, answerTask, taskNotes } from "./task-notes.js";
import { createTasks } from "./task-plans.js";
import { pauseQueues, resumeQueues, taskStats, topTasks } from "./task-queues.js";
import { recordResult } from "./task-results.js";
import { checkTasks } from "./task-types.js";
import { cancelTasks, listTasks, removeTasks, retryTasks, showTask, submitTask, taskLogs, waitTasks } from "./tasks.js";
import {
  compareAndSetVariable,
  getVariable,
  incrementVariable,
  listVariables,
  removeVariables,
  setVariable,
} from "./vars.js";
import { work } from "./work.js";
import { listWorkers, showWorker, watchWorkers } from "./workers.js";

const ALL = [
  submitRun,
  execCommand,
  listRuns,
  showRun,
  runLogs,
  attachRun,
  waitRuns,
  cancelRuns,
  runArtifacts,
  pinRuns,
  unpinRuns,
  removeRuns,
  history,
  checkPlan,
  runBatch,
  listBatches,
  showBatch,
  watchBatch,
  cancelBatch,
  listMachines,
  showMachine,
  checkMachines,
  drainMachine,
  undrainMachine,
  importMachines,
  collectMachineGarbage,
  setVariable,
  compareAndSetVariable,
  getVariable,
  removeVariables,
  listVariables,
  incrementVariable,
  setCached,
  getCached,
  removeCached,
  listCache,
  clearCache,
  runCached,
  submitTask,
  listTasks,
  showTask,
  taskLogs,
  waitTasks,
  cancelTasks,
  retryTasks,
  removeTasks,
  pauseQueues,
  resumeQueues,
  taskStats,
  topTasks,
  checkTasks,
  createTasks,
  importTasks,
  dispatchParent,
  dispatchWorker,
  readyTasks,
  linkTasks,
  unlinkTasks,
  claimTask,
  heartbeatTask,
  reportProgress,
  recordResult,
  releaseTask,
  handOffTask,
  reclaimTask,
  addNote,
  taskNotes,
  answerTask,
  listWorkers,
  showWorker,
  watchWorkers,
  listGates,
  holdGate,
  releaseGate,
  serve,
  work,
  explain,
  watchEvents,
  doctor,
  storeInfo,
  collectGarbage,
  destroyStore,
  showConfig,
  showSchema,
] as const;

type Declared = (typeof ALL)[number];
export type OperationName = Declared["name"];
export type OperationNamed<N extends OperationName> = Extract<Declared, { name: N }>;

/** What a caller passes: fields with a default may be left out. */
export type InputOf<N extends OperationName> = z.input<OperationNamed<N>["input"]>;
/** What an implementation gets: checked, defaults filled in. */
export type ParsedInputOf<N extends OperationName> = z.output<OperationNamed<N>["input"]>;
export type OutputOf<N extends OperationName> = z.output<OperationNamed<N>["output"]>;
export type StreamName = Extract<Declared, { stream: true }>["name"];
/** An item of a stream inside the program; logs travel as bytes and become their view on a wire only. */
export type ItemOf<N extends StreamName> = N extends "runs.logs" | "runs.attach" ? LogPiece : OutputOf<N>;
export type CallName = Exclude<OperationName, StreamName>;

export const OPERATIONS: readonly Operation[] = ALL;

/** Finds an operation by its name (`runs.list`) or its command (`runs list`). */
export const findOperation = (text: string): Operation | undefined =>
  OPERATIONS.find((o) => o.name === text || o.command === text);

export const operationNamed = (name: OperationName): Operation => {
  const found = OPERATIONS.find((o) => o.name === name);
  if (found === undefined) throw new Error(`No operation is named ${name}.`);
  return found;
};
