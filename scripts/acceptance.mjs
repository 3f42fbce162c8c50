/**
 * `npm start`: runs the acceptance plan over three local machines and shows where its artifacts are.
 *
 * Two entries end badly on purpose; the script succeeds exactly when every entry ended as it was meant to. The same command
 * again finds the same batch and changes nothing; `npm start -- NAME` runs the plan against another staging.
 */
import { existsSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { commandLine, newestBatch, root } from "./cli.mjs";

const PLAN = "examples/acceptance/plan.yaml";
const MACHINES = "examples/acceptance/machines.yaml";

const ON_PURPOSE = {
  "fails-on-purpose": "failed nonzero_exit 3",
  "times-out-on-purpose": "timeout timeout",
};

const staging = process.argv[2] ?? "local";
const machines = ["--machines", MACHINES];
const cli = commandLine(join(root, ".waybill/acceptance/home"));

/** What came of an item, in the words of `ON_PURPOSE`; the exit code of a program that was stopped is not its own. */
function outcomeOf({ state, run, error_code }) {
  if (run === null) return `${state} ${error_code ?? ""}`.trim();
  if (run.status === "completed") return "completed";
  return [run.status, run.error_code, run.status === "failed" ? run.exit_code : null]
    .filter((part) => part !== null)
    .join(" ");
}

function hasArtifacts({ run }) {
  const path = run?.artifacts_path ?? null;
  return path !== null && existsSync(path) && readdirSync(path).length > 0;
}

const code = await cli.waybill(["batch", "run", PLAN, "--staging", staging, ...machines]);
const { batch, items } = await newestBatch(cli, staging);

const faults = items.flatMap((item) => {
  const wanted = ON_PURPOSE[item.name] ?? "completed";
  const found = outcomeOf(item);
  if (found !== wanted) return [`${item.name}: expected ${wanted}, found ${found}`];
  return hasArtifacts(item) ? [] : [`${item.name}: its artifacts are missing`];
});
if (code === 0) faults.push("batch run: expected an exit code that tells of the two failures, found 0");

console.log("\nArtifacts:");
for (const { name, run } of items) {
  if (run?.artifacts_path) console.log(`  ${name.padEnd(22)}${relative(process.cwd(), run.artifacts_path)}`);
}
console.log(`\nThe table again: WAYBILL_HOME=.waybill/acceptance/home npx waybill batch show ${batch.id}`);
for (const fault of faults) console.error(fault);
const ended = `${items.length} entries ended as they were meant to, two of them badly on purpose.`;
console.log(faults.length === 0 ? ended : `Not as meant: ${faults.length}`);
process.exitCode = faults.length === 0 ? 0 : 1;
