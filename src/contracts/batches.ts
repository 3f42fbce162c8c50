/** Operations on plans and batches. */
import * as z from "zod";
import { batchReport, batchView, placementReport } from "./batch-views.js";
import { batchId, before, limit } from "./fields.js";
import { operation, streaming } from "./operation.js";

const planPath = z.string().min(1).describe("plan file (YAML)");

export const checkPlan = operation({
  name: "plans.check",
  command: "plan check",
  summary: "Check a plan: every error at once, with line and column, against the machines that there are",
  effect: "read",
  positional: ["plan"],
  input: () => z.object({ plan: planPath }),
  output: () =>
    z.object({
      plan_hash: z.string(),
      entries: z.array(
        z.object({ name: z.string(), dir: z.string(), selector: z.string(), machines: z.array(z.string()) }),
      ),
      warnings: z.array(z.string()),
    }),
  errors: ["invalid_plan", "empty_plan", "invalid_inventory", "invalid_input"],
  examples: [["plan check acceptance.yaml", "exit 2 and a list of what is wrong and where"]],
});

export const runBatch = operation({
  name: "batches.run",
  command: "batch run",
  summary: "Dispatch a plan against a staging; the same command again resumes it",
  effect: "write",
  positional: ["plan"],
  input: () =>
    z.object({
      plan: planPath,
      staging: z.string().min(1).max(200).describe("what the plan is run against, e.g. a build number"),
      dry_run: z.boolean().default(false).describe("show who would get what, and why not, and do nothing"),
      detach: z.boolean().default(false).describe("return once the first wave is decided; a dispatcher does the rest"),
    }),
  output: () => z.union([batchReport(), placementReport()]),
  errors: [
    "invalid_plan",
    "empty_plan",
    "invalid_tree",
    "entrypoint_missing",
    "missing_env",
    "machine_mismatch",
    "invalid_inventory",
    "invalid_input",
    "transport_unavailable",
  ],
  examples: [
    ["batch run acceptance.yaml --staging 1.4.2", "run it, watch it, end with the table of outcomes"],
    ["batch run acceptance.yaml --staging 1.4.2 --dry-run", "who would get what"],
  ],
});

export const listBatches = operation({
  name: "batches.list",
  command: "batch list",
  summary: "List batches, newest first",
  effect: "read",
  input: () => z.object({ staging: z.string().optional().describe("only against this staging"), limit, before }),
  output: () => z.object({ batches: z.array(batchView()), next: z.string().nullable() }),
  errors: [],
});

export const showBatch = operation({
  name: "batches.show",
  command: "batch show",
  summary: "Show a batch: each decision, with its run's outcome joined as it is now",
  effect: "read",
  positional: ["id"],
  input: () => z.object({ id: batchId }),
  output: () => batchReport(),
  errors: ["batch_not_found", "ambiguous_id"],
  examples: [["batch show 0199a3 --json", "for a program"]],
});

export const watchBatch = streaming({
  name: "batches.watch",
  command: "batch watch",
  summary: "Watch a batch until it is finished; takes its dispatcher's place if that has died",
  effect: "write",
  positional: ["id"],
  input: () => z.object({ id: batchId }),
  output: () => batchReport(),
  errors: ["batch_not_found", "ambiguous_id"],
  examples: [["batch watch 0199a3", "progress, then the table"]],
});

export const cancelBatch = operation({
  name: "batches.cancel",
  command: "batch cancel",
  summary: "Skip what is still queued and cancel what is running",
  effect: "write",
  positional: ["id"],
  input: () =>
    z.object({ id: batchId, wait: z.boolean().default(true).describe("record the request and return at once") }),
  output: () => batchReport(),
  errors: ["batch_not_found", "ambiguous_id"],
});
