/** Operations on runs. */
import * as z from "zod";
import { SIGNALS } from "../domain/machine.js";
import { RUN_KINDS, RUN_STATUSES } from "../domain/run.js";
import { encodeBytes, encoding } from "./encoded-bytes.js";
import { before, contactPolicy, duration, globs, limit, returnChoice, runId } from "./fields.js";
import { later } from "./later.js";
import { operation, streaming } from "./operation.js";
import { runDetailView, runView } from "./run-views.js";

export const submitRun = operation({
  name: "runs.submit",
  command: "run",
  summary: "Run a directory on a machine: freeze it, start it there, follow its log, keep what it leaves",
  effect: "write",
  positional: ["dir", "args"],
  input: () =>
    z.object({
      dir: z.string().min(1).describe("directory to run; its run.sh is executed"),
      args: z.array(z.string()).default([]).describe("arguments for the entrypoint, after --"),
      machine: z.string().optional().describe("the machine to run on"),
      tag: z.string().optional().describe("run on a machine that carries this tag, a free one if there is one"),
      detach: z.boolean().default(false).describe("print the run's id once it has started and return"),
      timeout: duration.optional().describe("stop the run after this long, e.g. 30m (default: no limit)"),
      silence_timeout: duration.optional().describe("stop the run when it writes nothing for this long"),
      grace: duration.default("10s").describe("time between the request to stop and the kill"),
      max_log_bytes: z.coerce.number().int().min(1).optional().describe("stop the run when its log outgrows this"),
      entrypoint: z.string().min(1).optional().describe("file to execute instead of run.sh"),
      env: z
        .array(z.string().min(1))
        .default([])
        .describe("variable for the program: NAME=VALUE, or NAME to take it from this environment without storing it"),
      retries: z.coerce.number().int().min(0).max(10).default(0).describe("attempts that may follow a failed one"),
      reuse: z.boolean().default(false).describe("return the newest completed run of the same content if there is one"),
      new: z.boolean().default(false).describe("start a run even while the same content is running there"),
      queue: z.boolean().default(false).describe("when the machine is full, wait for a turn instead of failing"),
      keep_vars: z.boolean().default(false).describe("keep the variables of the run's scope after its end"),
      on_unreachable: contactPolicy
        .default("wait")
        .describe('when its machine cannot be reached: wait, or "stop_after 10m", or "replace_after 1h" (with --tag)'),
      on_return: returnChoice
        .default("keep_original")
        .describe("which of the two counts when the first machine comes back while a replacement runs"),
      artifacts: globs.describe("bring only the artifacts that match this glob, as in .gitignore (default: all)"),
      ref: z.string().min(1).optional().describe("name for comparing runs over time (default: the directory's name)"),
      label: z
        .array(z.string().regex(/^[^=]+=/, "expected key=value"))
        .default([])
        .describe("label, key=value"),
    }),
  output: () =>
    z.object({
      outcome: z.enum(["created", "reuse", "finished"]).describe("a new run, one to attach to, or a completed one"),
      run: runView(),
    }),
  errors: [
    "invalid_tree",
    "entrypoint_missing",
    "machine_not_found",
    "no_matching_machine",
    "machine_busy",
    "machine_mismatch",
    "missing_env",
    "upload_failed",
    "spawn_failed",
    "transport_unavailable",
    "invalid_inventory",
    "invalid_input",
  ],
  examples: [
    ["run tests/unit --machine left", "run a directory, follow its log, leave with its exit code"],
    ["run tests/gpu --tag gpu --timeout 30m --detach", "start it on any machine with the tag and return its id"],
    ["run tests/e2e --machine left --env TOKEN -- --fast", "hand over TOKEN without storing it, and an argument"],
  ],
});

export const listRuns = operation({
  name: "runs.list",
  command: "runs list",
  summary: "List runs, newest first",
  effect: "read",
  input: () =>
    z.object({
      status: z.array(z.enum(RUN_STATUSES)).default([]).describe("only these statuses"),
      active: z.boolean().default(false).describe("only pending and running ones"),
      running: z.boolean().default(false).describe("only running ones"),
      machine: z.string().optional().describe("only on this machine"),
      batch: z.string().optional().describe("only of this batch"),
      ref: z.string().optional().describe("only of this ref"),
      kind: z.enum(RUN_KINDS).optional().describe("only of this kind"),
      created_by: z.string().optional().describe("only those submitted by this user"),
      source: z.string().optional().describe("only those of this source (WAYBILL_SOURCE of whoever submitted them)"),
      client: z.string().optional().describe("only those of this client (WAYBILL_CLIENT)"),
      session: z.string().optional().describe("only those of this session (WAYBILL_SESSION)"),
      limit,
      before,
    }),
  output: () => z.object({ runs: z.array(runView()), next: z.string().nullable() }),
  errors: ["batch_not_found", "ambiguous_id"],
  examples: [
    ["runs list --active", "what is going on now"],
    ["runs list --status failed --status timeout --limit 50", "what went wrong lately"],
  ],
});

export const showRun = operation({
  name: "runs.show",
  command: "runs show",
  summary: "Show one run with everything that is known of it",
  effect: "read",
  positional: ["id"],
  input: () => z.object({ id: runId }),
  output: () => runDetailView(),
  errors: ["run_not_found", "ambiguous_id"],
  examples: [["runs show 0199a3", "any unique prefix of the id will do"]],
});

/** A piece of a log. `encoding` is base64 when the bytes are not UTF-8 text. */
export const logChunk = later(() =>
  z.object({
    run_id: z.string(),
    offset: z.number().int().describe("position of the first byte in the log"),
    length: z.number().int(),
    encoding,
    data: z.string(),
  }),
);
export type LogChunkView = z.infer<ReturnType<typeof logChunk>>;

/** A piece of a log inside the program: the bytes as the machine's file holds them. */
export interface LogPiece {
  readonly runId: string;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export function toLogChunkView({ runId, offset, bytes }: LogPiece): LogChunkView {
  const { encoding, text } = encodeBytes(bytes);
  return { run_id: runId, offset, length: bytes.length, encoding, data: text };
}

export const runLogs = streaming({
  name: "runs.logs",
  command: "runs logs",
  summary: "Print a run's log as it was written, byte for byte",
  effect: "read",
  positional: ["id"],
  input: () =>
    z.object({
      id: runId,
      from: z.coerce.number().int().min(0).default(0).describe("byte offset to start from"),
      tail: z.coerce.number().int().min(0).optional().describe("only the last so many lines"),
      since: duration.optional().describe("only what was written in the last so long, to within a second"),
      follow: z.boolean().default(false).describe("go on until the run ends"),
      grep: z
        .string()
        .optional()
        .describe("only lines that match this regular expression, of those after --from or --tail"),
      context: z.coerce
        .number()
        .int()
        .min(0)
        .max(100)
        .default(0)
        .describe("with --grep: so many lines before and after each too"),
      attempt: z.coerce
        .number()
        .int()
        .min(1)
        .optional()
        .describe("the log of an earlier attempt (default: the newest)"),
    }),
  output: () => logChunk(),
  errors: ["run_not_found", "ambiguous_id", "machine_unreachable"],
  examples: [
    ["runs logs 0199a3 --tail 50", "the end of it"],
    ["runs logs 0199a3 --grep 'error|warning' --context 2", "what may have gone wrong"],
    ["runs logs 0199a3 --from 1048576 --follow", "continue after the first MiB that you have"],
  ],
});

export const attachRun = streaming({
  name: "runs.attach",
  command: "runs attach",
  summary: "Follow a run's log from its start (or an offset) and leave with its exit code; Ctrl-C leaves it running",
  effect: "write",
  positional: ["id"],
  input: () =>
    z.object({
      id: runId,
      from: z.coerce.number().int().min(0).default(0).describe("byte offset to start from"),
    }),
  output: () => logChunk(),
  errors: ["run_not_found", "ambiguous_id", "machine_unreachable"],
  examples: [["runs attach 0199a3", "take the run over if whoever drove it has died"]],
});

export const waitRuns = operation({
  name: "runs.wait",
  command: "runs wait",
  summary: "Wait until runs have ended; exits with the first one's failure, if any",
  effect: "write",
  positional: ["id"],
  input: () =>
    z.object({
      id: z.array(runId).min(1),
      any: z.boolean().default(false).describe("return as soon as one of them has ended"),
      timeout: duration.optional().describe("give up waiting after this long (exit 124); the runs go on"),
    }),
  output: () => z.object({ runs: z.array(runView()) }),
  errors: ["run_not_found", "ambiguous_id", "timeout"],
  examples: [["runs wait 0199a3 0199a4 --any", "whichever ends first"]],
});

export const cancelRuns = operation({
  name: "runs.cancel",
  command: "runs cancel",
  summary: "Ask runs to stop, and wait until they and all their descendants are gone",
  effect: "write",
  positional: ["id"],
  input: () =>
    z.object({
      id: z.array(runId).min(1),
      wait: z.boolean().default(true).describe("record the request and return at once"),
      signal: z.enum(SIGNALS).optional().describe("the signal that is sent to the whole group first (default: TERM)"),
      grace: duration.optional().describe("time between that signal and the kill (default: the run's own)"),
    }),
  output: () => z.object({ runs: z.array(runView()) }),
  errors: ["run_not_found", "ambiguous_id", "machine_unreachable"],
  examples: [
    ["runs cancel 0199a3", "TERM, the grace period, then KILL, to the whole process group"],
    ["runs cancel 0199a3 --signal INT --grace 30s", "as Ctrl-C would, with time to clean up"],
  ],
});

export const runArtifacts = operation({
  name: "runs.artifacts",
  command: "runs artifacts",
  summary: "List the files that a run left, with size and SHA-256, and where they are",
  effect: "write",
  positional: ["id"],
  input: () =>
    z.object({
      id: runId,
      fetch: z.boolean().default(false).describe("fetch them from the machine again when fetching failed before"),
      artifacts: globs.describe("with --fetch, bring also those that match this glob"),
    }),
  output: () =>
    z.object({
      run_id: z.string(),
      state: z.string(),
      error: z.string().nullable(),
      path: z.string().nullable(),
      files: z.array(
        z.object({
          path: z.string(),
          size: z.number().int().nullable().describe("null: it was not asked for, and is not here"),
          sha256: z.string(),
        }),
      ),
    }),
  errors: ["run_not_found", "ambiguous_id", "artifact_failed", "invalid_state"],
  examples: [["runs artifacts 0199a3", "what the run left and where it is"]],
});

export const pinRuns = operation({
  name: "runs.pin",
  command: "runs pin",
  summary: "Keep runs with their logs and artifacts, whatever the retention says",
  effect: "write",
  positional: ["id"],
  input: () => z.object({ id: z.array(runId).min(1) }),
  output: () => z.object({ runs: z.array(runView()) }),
  errors: ["run_not_found", "ambiguous_id"],
  examples: [["runs pin 0199a3", "it is removed by `runs rm` alone"]],
});

export const unpinRuns = operation({
  name: "runs.unpin",
  command: "runs unpin",
  summary: "Let the retention decide about runs again",
  effect: "write",
  positional: ["id"],
  input: () => z.object({ id: z.array(runId).min(1) }),
  output: () => z.object({ runs: z.array(runView()) }),
  errors: ["run_not_found", "ambiguous_id"],
});

export const removeRuns = operation({
  name: "runs.rm",
  command: "runs rm",
  summary: "Remove finished runs with their logs and artifacts",
  effect: "write",
  positional: ["id"],
  input: () => z.object({ id: z.array(runId).min(1) }),
  output: () => z.object({ removed: z.array(z.string()) }),
  errors: ["run_not_found", "ambiguous_id", "invalid_state"],
  examples: [["runs rm 0199a3", "refused while the run is active"]],
});
