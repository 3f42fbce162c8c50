/** The operation that runs a command where it is called. */
import * as z from "zod";
import { duration } from "./fields.js";
import { operation } from "./operation.js";
import { runView } from "./run-views.js";

export const execCommand = operation({
  name: "runs.exec",
  command: "exec",
  summary:
    "Run a command here under a supervisor: its log, exit code and limits are kept, whatever becomes of this shell",
  effect: "write",
  positional: ["argv"],
  input: () =>
    z.object({
      argv: z.array(z.string()).min(1).describe("the command and its arguments, after --"),
      detach: z.boolean().default(false).describe("print the run's id once it has started and return"),
      ref: z
        .string()
        .min(1)
        .optional()
        .describe("name for comparing runs over time (default: the command's base name)"),
      label: z
        .array(z.string().regex(/^[^=]+=/, "expected key=value"))
        .default([])
        .describe("label, key=value"),
      timeout: duration.optional().describe("stop the command after this long, e.g. 30m (default: no limit)"),
      silence_timeout: duration.optional().describe("stop the command when it writes nothing for this long"),
      grace: duration.default("10s").describe("time between the request to stop and the kill"),
      cwd: z.string().min(1).optional().describe("working directory (default: this one)"),
      tty: z.boolean().default(false).describe("give the command a terminal of its own"),
      shell: z.boolean().default(false).describe("the one argument is a command line for sh -c"),
      env: z
        .array(z.string().min(1))
        .default([])
        .describe("variable for the program: NAME=VALUE; it inherits this environment anyway"),
      keep_vars: z.boolean().default(false).describe("keep the variables of the run's scope after its end"),
    }),
  output: () => z.object({ run: runView() }),
  errors: ["invalid_input", "missing_env", "spawn_failed", "transport_unavailable"],
  examples: [
    ["exec -- make -j8 test", "like running it, and `waybill runs logs` has its log afterwards"],
    ["exec --detach --timeout 2h -- ./nightly.sh", "in the background, with a limit; prints the run's id"],
    ["exec --shell 'sort words | uniq -c > counts'", "a command line"],
  ],
});
