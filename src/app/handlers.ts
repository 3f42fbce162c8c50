/**
 * Every operation's implementation. Total by type: an operation without one does not compile. Each is loaded when first
 * called, so that `runs show` does not pay for batches.
 */
import type { CallName, StreamName } from "../contracts/index.js";
import type { CallHandler, StreamHandler } from "./context.js";

type Load<H> = () => Promise<H>;

export const CALLS: { readonly [N in CallName]: Load<CallHandler<N>> } = {
  "runs.submit": async () => (await import("./runs/submit-run.js")).submitRun,
  "runs.exec": async () => (await import("./runs/exec-command.js")).execCommand,
  "runs.list": async () => (await import("./runs/list-runs.js")).listRuns,
  "runs.show": async () => (await import("./runs/show-run.js")).showRun,
  "runs.wait": async () => (await import("./runs/wait-runs.js")).waitRuns,
  "runs.cancel": async () => (await import("./runs/cancel-runs.js")).cancelRuns,
  "runs.artifacts": async () => (await import("./runs/run-artifacts.js")).runArtifacts,
  "runs.pin": async () => (await import("./runs/pin-runs.js")).pinRuns,
  "runs.unpin": async () => (await import("./runs/pin-runs.js")).unpinRuns,
  "runs.rm": async () => (await import("./runs/remove-runs.js")).removeRuns,
  "runs.history": async () => (await import("./runs/history.js")).history,
  "plans.check": async () => (await import("./batches/check-plan.js")).checkPlan,
  "batches.run": async () => (await import("./batches/run-batch.js")).runBatch,
  "batches.list": async () => (await import("./batches/list-batches.js")).listBatches,
  "batches.show": async () => (await import("./batches/show-batch.js")).showBatch,
  "batches.cancel": async () => (await import("./batches/cancel-batch.js")).cancelBatch,
  "machines.list": async () => (await import("./machines/list-machines.js")).listMachines,
  "machines.show": async () => (await import("./machines/list-machines.js")).showMachine,
  "machines.check": async () => (await import("./machines/check-machines.js")).checkMachines,
  "machines.drain": async () => (await import("./machines/drain-machine.js")).drainMachine,
  "machines.undrain": async () => (await import("./machines/drain-machine.js")).undrainMachine,
  "machines.import": async () => (await import("./machines/import-machines.js")).importMachines,
  "machines.gc": async () => (await import("./machines/collect-machine-garbage.js")).collectMachineGarbage,
  "vars.set": async () => (await import("./vars/set-variable.js")).setVariable,
  "vars.cas": async () => (await import("./vars/set-variable.js")).compareAndSetVariable,
  "vars.get": async () => (await import("./vars/get-variable.js")).getVariable,
  "vars.rm": async () => (await import("./vars/remove-variables.js")).removeVariables,
  "vars.list": async () => (await import("./vars/list-variables.js")).listVariables,
  "vars.incr": async () => (await import("./vars/increment-variable.js")).incrementVariable,
  "cache.set": async () => (await import("./cache/set-cached.js")).setCached,
  "cache.get": async () => (await import("./cache/get-cached.js")).getCached,
  "cache.rm": async () => (await import("./cache/remove-cached.js")).removeCached,
  "cache.list": async () => (await import("./cache/list-cache.js")).listCache,
  "cache.run": async () => (await import("./cache/run-cached.js")).runCached,
  "cache.clear": async () => (await import("./cache/clear-cache.js")).clearCache,
  "tasks.submit": async () => (await import("./tasks/submit-task.js")).submitTask,
  "tasks.list": async () => (await import("./tasks/list-tasks.js")).listTasks,
  "tasks.show": async () => (await import("./tasks/show-task.js")).showTask,
  "tasks.wait": async () => (await import("./tasks/wait-tasks.js")).waitTasks,
  "tasks.cancel": async () => (await import("./tasks/cancel-tasks.js")).cancelTasks,
  "tasks.retry": async () => (await import("./tasks/retry-tasks.js")).retryTasks,
  "tasks.rm": async () => (await import("./tasks/remove-tasks.js")).removeTasks,
  "tasks.pause": async () => (await import("./tasks/pause-queues.js")).pauseQueues,
  "tasks.resume": async () => (await import("./tasks/pause-queues.js")).resumeQueues,
  "tasks.stats": async () => (await import("./tasks/task-stats.js")).taskStats,
  "tasks.check": async () => (await import("./tasks/check-tasks.js")).checkTasks,
  "system.serve": async () => (await import("./sidecar/serve.js")).serve,
  "system.why": async () => (await import("./system/explain.js")).explain,
  "system.doctor": async () => (await import("./system/doctor.js")).doctor,
  "system.schema": async () => (await import("./system/show-schema.js")).showSchema,
  "store.info": async () => (await import("./system/store-info.js")).storeInfo,
  "store.gc": async () => (await import("./system/collect-garbage.js")).collectGarbage,
  "store.destroy": async () => (await import("./system/destroy-store.js")).destroyStore,
  "config.show": async () => (await import("./system/show-config.js")).showConfig,
};

export const STREAMS: { readonly [N in StreamName]: Load<StreamHandler<N>> } = {
  "runs.logs": async () => (await import("./runs/run-logs.js")).runLogs,
  "runs.attach": async () => (await import("./runs/attach-run.js")).attachRun,
  "batches.watch": async () => (await import("./batches/watch-batch.js")).watchBatch,
  "tasks.logs": async () => (await import("./tasks/task-logs.js")).taskLogs,
  "tasks.top": async () => (await import("./tasks/task-stats.js")).topTasks,
  "events.watch": async () => (await import("./system/watch-events.js")).watchEvents,
};
