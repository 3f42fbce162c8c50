/** Operations of workers that claim tasks by themselves, and of whoever gives and takes such claims. */
import * as z from "zod";
import { claimView, leaseView } from "./claim-view.js";
import { duration, maybeTime, taskId } from "./fields.js";
import { operation } from "./operation.js";
import { taskView } from "./task-views.js";
import {
  agent,
  fence,
  lease,
  pid,
  read,
  reason,
  receiverLease,
  session,
  space,
  tags,
  toAgent,
  types,
  write,
} from "./worker-fields.js";

export const claimTask = operation({
  name: "tasks.claim",
  command: "tasks claim",
  summary:
    "Claim a task to work on it yourself; it is yours, after this command has ended too, until the lease is over",
  effect: "write",
  positional: ["id"],
  input: () =>
    z.object({
      id: taskId.optional().describe("this task; else the next by priority, then age"),
      type: types,
      tag: tags,
      agent,
      session,
      lease,
      pid,
      workspace: z.string().min(1).optional().describe("where the work is done, for people (default: this directory)"),
      write,
      read,
      space,
      wait: z.boolean().default(false).describe("wait until there is one"),
      wait_timeout: duration.optional().describe("with --wait: give up after this long (exit 124)"),
      env: z.boolean().default(false).describe("print lines for `eval`: WAYBILL_TASK_ID, WAYBILL_FENCE and the like"),
    }),
  output: () => claimView(),
  errors: [
    "task_not_found",
    "ambiguous_id",
    "invalid_input",
    "invalid_state",
    "paths_conflict",
    "nothing_to_claim",
    "timeout",
  ],
  examples: [
    ["tasks claim --type review --agent ann --wait", "the next of a type, as soon as there is one"],
    [
      "tasks claim --type review --env",
      'in a shell: claim=$(waybill tasks claim --type review --env) && eval "$claim"',
    ],
    ["tasks claim 0199a3 --write 'src/store/**'", "one task, and what it touches besides what its submission says"],
    ["tasks claim 0199a3 --pid $$ --lease 24h", "for as long as this shell lives, a day at most"],
  ],
});

export const heartbeatTask = operation({
  name: "tasks.heartbeat",
  command: "tasks heartbeat",
  summary: "Say that a claimed task is still being worked on: its lease lasts so long from now",
  effect: "write",
  positional: ["id"],
  input: () => z.object({ id: taskId, fence, lease }),
  output: () =>
    z.object({
      task_id: z.string(),
      fence: z.number().int(),
      lease: leaseView(),
      cancel_requested_at: maybeTime.describe("when somebody asked for its end: stop, and say so with `tasks result`"),
    }),
  errors: ["task_not_found", "ambiguous_id", "invalid_input", "stale_write"],
  examples: [["tasks heartbeat 0199a3 --fence 17 --lease 10m", "exit 4 when it is no longer yours"]],
});

export const reportProgress = operation({
  name: "tasks.progress",
  command: "tasks progress",
  summary: "Record how far a claimed task is; each report takes the place of the one before",
  effect: "write",
  positional: ["id", "progress"],
  input: () =>
    z.object({
      id: taskId,
      progress: z.unknown().describe("JSON, or any text; @FILE, or - for standard input"),
      fence,
    }),
  output: () => z.object({ task_id: z.string(), progress: z.unknown() }),
  errors: ["task_not_found", "ambiguous_id", "invalid_input", "stale_write"],
  examples: [['tasks progress 0199a3 \'{"done":3,"of":7}\' --fence 17', "`tasks show` has it, and `workers list`"]],
});

export const releaseTask = operation({
  name: "tasks.release",
  command: "tasks release",
  summary: "Give a claimed task back; nothing is counted, and others may claim it",
  effect: "write",
  positional: ["id"],
  input: () =>
    z.object({
      id: taskId,
      fence,
      reason: reason.optional(),
      delay: duration.optional().describe("nobody may claim it before so long from now"),
      agent,
    }),
  output: () => z.object({ task: taskView() }),
  errors: ["task_not_found", "ambiguous_id", "invalid_input", "stale_write"],
  examples: [['tasks release 0199a3 --fence 17 --reason "needs a GPU"', "it is queued again"]],
});

export const handOffTask = operation({
  name: "tasks.handoff",
  command: "tasks handoff",
  summary: "Give a running task to another agent, under a new fence; nobody else can take it in between",
  effect: "write",
  positional: ["id"],
  input: () =>
    z.object({
      id: taskId,
      fence,
      to: toAgent,
      session: session.describe("of whoever it is given to (default: a new UUID)"),
      lease: receiverLease,
      pid,
      reason: reason.optional(),
      agent,
      env: z.boolean().default(false).describe("print lines for `eval`, for whoever it is given to"),
    }),
  output: () => claimView(),
  errors: ["task_not_found", "ambiguous_id", "invalid_input", "stale_write", "paths_conflict"],
  examples: [["tasks handoff 0199a3 --fence 17 --to bob", "prints the fence that bob works under"]],
});

export const reclaimTask = operation({
  name: "tasks.reclaim",
  command: "tasks reclaim",
  summary: "Take a running task from whoever executes it, and queue it again; who did it and why is kept",
  effect: "write",
  positional: ["id"],
  input: () =>
    z.object({
      id: taskId,
      reason,
      force: z.boolean().default(false).describe("also from an owner that lives"),
      agent,
    }),
  output: () => z.object({ task: taskView() }),
  errors: ["task_not_found", "ambiguous_id", "invalid_input", "invalid_state", "worker_live"],
  examples: [['tasks reclaim 0199a3 --reason "the laptop was closed"', "refused while its owner gives signs of life"]],
});
