/** Operations on the whole: why, watch, doctor, store, settings, schemas. */
import * as z from "zod";
import { EVENT_TYPES, type WaybillEvent } from "../domain/event.js";
import { REMOVAL_REASONS } from "../domain/retention.js";
import { duration, time, toTime } from "./fields.js";
import { later } from "./later.js";
import { finding } from "./machines.js";
import { operation, streaming } from "./operation.js";

/** Why something does not go on. A closed list: an item that waits always has one of these. */
const REASON_CODES = [
  "ended",
  "running",
  "slots_taken",
  "machine_drained",
  "waits_in_line",
  "not_started_yet",
  "machine_full",
  "driver_gone",
  "missing_env",
  "unreachable",
  "cancelling",
  "skipped",
  "no_matching_machine",
  "dispatcher_gone",
  "worker_gone",
  "all_decided",
  "not_due",
  "waits_for_tasks",
  "key_busy",
  "paused",
  "rate_limited",
  "type_full",
  "no_engine",
  "unknown_type",
  "engines_busy",
  "engine_gone",
  "paths_held",
  "waits_for_answer",
  "waits_for_review",
  "quarantined",
] as const;

export const explain = operation({
  name: "system.why",
  command: "why",
  summary: "Say what a run, a batch or a task waits on, and who holds it",
  effect: "read",
  positional: ["id"],
  input: () =>
    z.object({
      id: z.string().min(1).describe("run, batch or task id, or BATCH/ENTRY for one entry of a batch"),
    }),
  output: () =>
    z.object({
      subject: z.string(),
      reasons: z.array(
        z.object({
          code: z.enum(REASON_CODES),
          message: z.string(),
          holders: z
            .array(z.string())
            .describe("ids of runs and tasks, or names of processes, that are in the way or in charge"),
          hint: z.string().nullable(),
        }),
      ),
    }),
  errors: ["subject_not_found", "batch_not_found", "ambiguous_id"],
  examples: [
    ["why 0199a3", "a run, or a task"],
    ["why 0199b7/smoke", "one entry of a batch"],
  ],
});

export const eventView = later(() =>
  z.object({
    sequence: z.number().int(),
    at: time,
    type: z.enum(EVENT_TYPES),
    subject: z.string(),
    batch_id: z.string().nullable(),
    data: z.record(z.string(), z.unknown()),
  }),
);
export type EventView = z.infer<ReturnType<typeof eventView>>;

export const toEventView = (event: WaybillEvent): EventView => ({
  sequence: event.sequence,
  at: toTime(event.at),
  type: event.type,
  subject: event.subject,
  batch_id: event.batchId,
  data: { ...event.data },
});

export const watchEvents = streaming({
  name: "events.watch",
  command: "watch",
  summary: "Follow the feed of what happens, from a cursor",
  effect: "read",
  input: () =>
    z.object({
      after: z.coerce.number().int().min(0).optional().describe("start after this sequence (default: from now on)"),
      run: z.string().optional().describe("only about this run"),
      batch: z.string().optional().describe("only about this batch and its runs"),
      task: z.string().optional().describe("only about this task"),
      type: z.array(z.enum(EVENT_TYPES)).default([]).describe("only these types"),
      follow: z.boolean().default(true).describe("print what there is and stop"),
    }),
  output: () => eventView(),
  errors: ["run_not_found", "batch_not_found", "task_not_found", "ambiguous_id", "invalid_input"],
  examples: [["watch --after 0 --no-follow --json", "the whole history, one event a line"]],
});

export const doctor = operation({
  name: "system.doctor",
  command: "doctor",
  summary: "Look whether this computer can do the job: Node, store, file system, permissions, machines, clock",
  effect: "write",
  input: () => z.object({}),
  output: () => z.object({ ok: z.boolean(), findings: z.array(finding()) }),
  errors: [],
});

export const storeInfo = operation({
  name: "store.info",
  command: "store info",
  summary: "Show where the store is, how big, how durable",
  effect: "read",
  input: () => z.object({}),
  output: () =>
    z.object({
      url: z.string(),
      engine: z.string(),
      schema_version: z.number().int(),
      size_bytes: z.number().int(),
      rows: z.record(z.string(), z.number().int()),
      stale_writes_refused: z.number().int(),
      durability: z.record(z.string(), z.string()),
    }),
  errors: [],
});

export const collectGarbage = operation({
  name: "store.gc",
  command: "store gc",
  summary: "Remove what the retention does not keep, with logs and artifacts, and frozen trees nobody needs",
  effect: "write",
  input: () =>
    z.object({
      older_than: duration
        .optional()
        .describe("remove all that ended so long ago and is not pinned (default: what the settings do not keep)"),
      dry_run: z.boolean().default(false).describe("say what would go, and do nothing"),
    }),
  output: () =>
    z.object({
      dry_run: z.boolean(),
      runs: z.array(z.string()),
      reasons: z.record(z.string(), z.enum(REMOVAL_REASONS)).describe("why each run goes, by its id"),
      batches: z.array(z.string()),
      tasks: z.number().int().describe("how many tasks"),
      events: z.number().int(),
      trees: z.array(z.string()),
    }),
  errors: [],
  examples: [
    ["store gc --dry-run", "what the settings would have removed, and why"],
    ["store gc --older-than 7d", "everything older but what is pinned"],
  ],
});

export const destroyStore = operation({
  name: "store.destroy",
  command: "store destroy",
  summary: "Delete every record, log, artifact and frozen tree of this store",
  effect: "write",
  input: () => z.object({ yes: z.boolean().default(false).describe("yes, delete everything") }),
  output: () => z.object({ destroyed: z.string() }),
  errors: ["invalid_input", "invalid_state"],
  examples: [["store destroy --yes", "refused while a run is active"]],
});

export const showConfig = operation({
  name: "config.show",
  command: "config show",
  summary: "Show each setting, its value and where it came from",
  effect: "read",
  input: () => z.object({}),
  output: () =>
    z.object({
      settings: z.array(z.object({ name: z.string(), value: z.string(), origin: z.string() })),
    }),
  errors: ["invalid_input"],
});

export const showSchema = operation({
  name: "system.schema",
  command: "schema",
  summary: "Print the JSON Schema of an operation's input and output, or list the operations",
  effect: "read",
  positional: ["operation"],
  input: () =>
    z.object({
      operation: z.string().optional().describe('name or command of an operation, e.g. "runs.list" or "batch run"'),
    }),
  output: () =>
    z.object({
      operations: z.array(
        z.object({
          name: z.string(),
          command: z.string(),
          summary: z.string(),
          effect: z.string(),
          stream: z.boolean(),
          errors: z.array(z.string()),
          input: z.record(z.string(), z.unknown()).optional(),
          output: z.record(z.string(), z.unknown()).optional(),
        }),
      ),
    }),
  errors: ["operation_not_found"],
  examples: [["schema runs.list", "what its --json looks like"]],
});
