/** Runs every example to its end, each against a state of its own, so that nothing is taken from an earlier run. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const staging = `check-${new Date().toISOString()}`;

const EXAMPLES = [
  [process.execPath, ["scripts/acceptance.mjs", staging]],
  ["examples/agent-worker/run.sh", []],
];

const failed = EXAMPLES.filter(([command, args]) => {
  const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  return status !== 0;
});
process.exitCode = failed.length === 0 ? 0 : 1;
