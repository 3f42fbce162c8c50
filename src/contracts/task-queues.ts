/** Operations on the queues of tasks, and on the engines that take from them. */
import * as z from "zod";
import { TASK_STATES } from "../domain/task.js";
import { duration, maybeTime, time } from "./fields.js";
import { later } from "./later.js";
import { operation, streaming } from "./operation.js";

const count = z.number().int();

const typeStats = later(() =>
  z.object({
    type: z.string(),
    states: z.object(
      Object.fromEntries(TASK_STATES.map((state) => [state, count])) as Record<
        (typeof TASK_STATES)[number],
        typeof count
      >,
    ),
    oldest_queued_at: maybeTime,
    paused: z.boolean(),
    concurrency: count.nullable().describe("how many run at once at most, over all engines"),
    next_start_at: maybeTime.describe("when its rate limit lets the next begin; null: now"),
    engines: count.describe("how many living engines know the type"),
    ended_per_minute: z.number(),
    failed_per_minute: z.number(),
  }),
);
export type TypeStatsView = z.infer<ReturnType<typeof typeStats>>;

const engineView = later(() =>
  z.object({
    id: z.string(),
    kind: z.enum(["engine", "work"]).describe("work: `waybill work`"),
    pid: count,
    host: z.string(),
    since: time,
    alive: z.boolean().describe("false: its process is gone, or its lease is over; others take back what it had"),
    types: z.array(z.string()),
    running: count,
    tasks: z
      .array(z.object({ id: z.string(), type: z.string(), attempt: count, started_at: time }))
      .describe("what it executes, longest first; at most 20"),
  }),
);
export type EngineView = z.infer<ReturnType<typeof engineView>>;

const taskStatsView = later(() =>
  z.object({
    at: time,
    window_ms: count.describe("over which ends were counted; a minute, or less when there were very many"),
    types: z.array(typeStats()),
    engines: z.array(engineView()),
  }),
);
export type TaskStatsView = z.infer<ReturnType<typeof taskStatsView>>;

export const taskStats = operation({
  name: "tasks.stats",
  command: "tasks stats",
  summary: "Count tasks by type and state, and show the engines that execute them",
  effect: "read",
  input: () => z.object({}),
  output: () => taskStatsView(),
  errors: [],
});

export const topTasks = streaming({
  name: "tasks.top",
  command: "tasks top",
  summary: "Watch queues and engines: what waits, what runs, what fails, how fast",
  effect: "read",
  input: () =>
    z.object({
      once: z.boolean().default(false).describe("print one frame and leave"),
      every: duration.default("1s").describe("how often it is drawn"),
    }),
  output: () => taskStatsView(),
  errors: ["invalid_input"],
  examples: [["tasks top --once", "one frame, also where nothing can move"]],
});

const queueView = later(() => z.object({ type: z.string(), paused: z.boolean(), concurrency: count.nullable() }));
const queueTypes = later(() => z.array(z.string().min(1).max(200)).min(1).describe("type of tasks"));

export const pauseQueues = operation({
  name: "tasks.pause",
  command: "tasks pause",
  summary: "Let no task of a type begin, in any engine; what runs goes on, and submissions are taken",
  effect: "write",
  positional: ["type"],
  input: () => z.object({ type: queueTypes() }),
  output: () => z.object({ queues: z.array(queueView()) }),
  errors: [],
  examples: [["tasks pause mail", "until `tasks resume mail`"]],
});

export const resumeQueues = operation({
  name: "tasks.resume",
  command: "tasks resume",
  summary: "Let tasks of a type begin again",
  effect: "write",
  positional: ["type"],
  input: () => z.object({ type: queueTypes() }),
  output: () => z.object({ queues: z.array(queueView()) }),
  errors: [],
});
