/** How each operation's result looks to people. Total by type: an operation without a look does not compile. */
import type { CallName, OutputOf } from "../../../contracts/index.js";
import { renderBatches, renderPlacement, renderPlanCheck, renderReport } from "./batches.js";
import { renderCache, renderCachedRun } from "./cache.js";
import { renderClaim, renderHeartbeat, renderRecorded } from "./claims.js";
import { renderAnswered, renderDispatch } from "./dispatches.js";
import { renderGate, renderGates } from "./gates.js";
import { renderHistory } from "./history.js";
import { renderImported } from "./imports.js";
import {
  renderFindings,
  renderImport,
  renderMachine,
  renderMachineChecks,
  renderMachineGarbage,
  renderMachines,
} from "./machines.js";
import { renderArtifacts, renderOutcome, renderRunDetail, renderRuns } from "./runs.js";
import { renderServed } from "./serve.js";
import { renderConfig, renderGarbage, renderSchema, renderStoreInfo, renderWhy } from "./system.js";
import { renderCreated } from "./task-plans.js";
import { renderQueues, renderTaskStats } from "./task-stats.js";
import { renderTaskTypes } from "./task-types.js";
import { renderTaskDetail, renderTaskOutcome, renderTasks } from "./tasks.js";
import { renderVariables } from "./vars.js";
import { renderWorked } from "./work.js";
import { renderWorker, renderWorkers } from "./workers.js";

type Render<N extends CallName> = (data: OutputOf<N>) => string | Promise<string>;

export const RENDER: { readonly [N in CallName]: Render<N> } = {
  "runs.submit": ({ run }) => renderOutcome(run),
  "runs.exec": ({ run }) => renderOutcome(run),
  "runs.list": ({ runs, next }) => renderRuns(runs, next),
  "runs.show": renderRunDetail,
  "runs.wait": ({ runs }) => runs.map(renderOutcome).join("\n"),
  "runs.cancel": ({ runs }) => runs.map(renderOutcome).join("\n"),
  "runs.artifacts": renderArtifacts,
  "runs.pin": ({ runs }) => runs.map(({ id }) => `pinned ${id}`).join("\n"),
  "runs.unpin": ({ runs }) => runs.map(({ id }) => `unpinned ${id}`).join("\n"),
  "runs.rm": ({ removed }) => removed.map((id) => `removed ${id}`).join("\n"),
  "runs.history": renderHistory,
  "plans.check": renderPlanCheck,
  "batches.run": (data) => (data.kind === "placement" ? renderPlacement(data) : renderReport(data)),
  "batches.list": ({ batches, next }) => renderBatches(batches, next),
  "batches.show": renderReport,
  "batches.cancel": renderReport,
  "machines.list": renderMachines,
  "machines.show": renderMachine,
  "machines.check": renderMachineChecks,
  "machines.drain": renderMachine,
  "machines.undrain": renderMachine,
  "machines.import": renderImport,
  "machines.gc": renderMachineGarbage,
  "vars.set": () => "",
  "vars.cas": () => "",
  "vars.get": ({ value }) => value,
  "vars.rm": () => "",
  "vars.list": renderVariables,
  "vars.incr": ({ value }) => value,
  "cache.set": () => "",
  "cache.get": () => "",
  "cache.rm": () => "",
  "cache.list": renderCache,
  "cache.run": renderCachedRun,
  "cache.clear": ({ cleared }) => `removed ${cleared} ${cleared === 1 ? "entry" : "entries"}`,
  "tasks.submit": ({ task }) => task.id,
  "tasks.list": ({ tasks, next, paused }) => renderTasks(tasks, next, paused),
  "tasks.show": renderTaskDetail,
  "tasks.wait": ({ tasks }) => tasks.map(renderTaskOutcome).join("\n"),
  "tasks.cancel": ({ tasks }) => tasks.map(renderTaskOutcome).join("\n"),
  "tasks.retry": ({ retried }) => `queued again: ${retried} ${retried === 1 ? "task" : "tasks"}`,
  "tasks.rm": ({ removed }) => removed.map((id) => `removed ${id}`).join("\n"),
  "tasks.pause": renderQueues,
  "tasks.resume": renderQueues,
  "tasks.stats": renderTaskStats,
  "tasks.check": renderTaskTypes,
  "tasks.create": renderCreated,
  "tasks.dispatch.parent": renderDispatch,
  "tasks.dispatch.worker": renderAnswered,
  "tasks.import": renderImported,
  "tasks.ready": ({ tasks }) => renderTasks(tasks, null, []),
  "tasks.link": ({ changed }) => (changed ? "linked" : "was linked before"),
  "tasks.unlink": ({ changed }) => (changed ? "unlinked" : "there was no such link"),
  "tasks.claim": renderClaim,
  "tasks.heartbeat": renderHeartbeat,
  "tasks.progress": () => "",
  "tasks.result": renderRecorded,
  "tasks.release": ({ task }) => renderTaskOutcome(task),
  "tasks.handoff": renderClaim,
  "tasks.reclaim": ({ task }) => renderTaskOutcome(task),
  "tasks.note": ({ number }) => String(number),
  "tasks.answer": ({ task }) => renderTaskOutcome(task),
  "workers.list": renderWorkers,
  "workers.show": renderWorker,
  "gates.list": renderGates,
  "gates.hold": renderGate,
  "gates.release": renderGate,
  "workers.work": renderWorked,
  "system.serve": renderServed,
  "system.why": renderWhy,
  "system.doctor": ({ findings }) => renderFindings(findings),
  "system.schema": renderSchema,
  "store.info": renderStoreInfo,
  "store.gc": renderGarbage,
  "store.destroy": ({ destroyed }) => `Everything of ${destroyed} is gone.`,
  "config.show": renderConfig,
};
