/** Operations on whoever executes tasks: engines, and workers of every kind. */
import * as z from "zod";
import { OWNER_KINDS } from "../domain/worker.js";
import { duration, time } from "./fields.js";
import { later } from "./later.js";
import { operation, streaming } from "./operation.js";

export const workerView = later(() =>
  z.object({
    id: z.string().describe("name of its lease"),
    kind: z
      .enum(OWNER_KINDS)
      .describe("work: `waybill work`; claim: one task, by `tasks claim`; dispatch: one task, by `tasks dispatch`"),
    agent_id: z.string().nullable().describe("who it says to be; null of engines"),
    session: z.string().nullable(),
    pid: z.number().int().nullable().describe("its process, to be signalled; null: nobody knows it"),
    host: z.string(),
    workspace: z.string().nullable(),
    types: z.array(z.string()).describe("what it takes; empty: what it is told to"),
    since: time,
    fence: z.number().int().describe("of its lease"),
    alive: z.boolean().describe("false: its process is gone, or its lease is over; others may take what it has"),
    lease_expires_at: time,
    lease_left_ms: z.number().int(),
    tasks: z
      .array(
        z.object({
          id: z.string(),
          type: z.string(),
          attempt: z.number().int(),
          fence: z.number().int(),
          started_at: time,
          progress: z.unknown(),
        }),
      )
      .describe("what it executes, the longest first"),
  }),
);
export type WorkerView = z.infer<ReturnType<typeof workerView>>;

const workersFrame = later(() => z.object({ at: time, workers: z.array(workerView()) }));
export type WorkersFrame = z.infer<ReturnType<typeof workersFrame>>;

export const listWorkers = operation({
  name: "workers.list",
  command: "workers list",
  summary: "List who executes tasks: engines and workers, what they do, how long they are believed to live",
  effect: "read",
  input: () => z.object({}),
  output: () => workersFrame(),
  errors: [],
  examples: [["workers list", "two agents in one checkout are two"]],
});

export const showWorker = operation({
  name: "workers.show",
  command: "workers show",
  summary: "Show one worker and what it executes",
  effect: "read",
  positional: ["id"],
  input: () =>
    z.object({
      id: z.string().min(1).describe("agent id, session, name of its lease or a unique prefix of that, or a task's id"),
    }),
  output: () => workerView(),
  errors: ["worker_not_found", "ambiguous_id"],
  examples: [["workers show ann", "by the name that it gave itself"]],
});

export const watchWorkers = streaming({
  name: "workers.watch",
  command: "workers watch",
  summary: "Watch who executes tasks: a table that redraws, or a line for each change where nothing can",
  effect: "read",
  input: () =>
    z.object({
      once: z.boolean().default(false).describe("print one frame and leave"),
      every: duration.default("1s").describe("how often it is looked at"),
    }),
  output: () => workersFrame(),
  errors: [],
  examples: [["workers watch --every 5s | tee workers.log", "who comes, goes, begins and ends what"]],
});
