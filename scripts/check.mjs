/**
 * `npm run check`: everything that must hold, in one command. CI runs exactly this.
 *
 * Every step runs, so that one look shows all that is wrong. A test whose real part is missing here is skipped and named;
 * with `--no-skips`, as CI calls it, it counts as a failure: there, a check that did not happen has not passed. The last line is `N passed, N failed`: tests one by one, every other step as one.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const REPORT = "reports/vitest.json";

const STEPS = [
  ["format and lint", "npx biome ci --colors=off ."],
  ["layers", "node scripts/check-layers.mjs"],
  ["build", "npm run --silent build"],
  ["dead exports", "npx knip"],
  ["types", "npx tsc --noEmit"],
  ["tests", `npx vitest run --coverage --reporter=default --reporter=json --outputFile.json=${REPORT}`],
  ["docs", "node scripts/check-docs.mjs"],
  ["examples", "node scripts/check-examples.mjs"],
];

/** One line for each step, with its output above it when it failed; tests and examples are watched as they go. */
function runStep([name, command]) {
  const watched = name === "tests" || name === "examples";
  const startedAt = performance.now();
  const { status, stdout, stderr } = spawnSync("sh", ["-c", command], {
    cwd: root,
    stdio: watched ? "inherit" : "pipe",
    maxBuffer: 64 * 1024 * 1024,
  });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  if (status !== 0 && !watched) process.stdout.write(Buffer.concat([stdout, stderr]));
  console.log(`${status === 0 ? "ok  " : "FAIL"} ${name} (${seconds} s)`);
  return { name, ok: status === 0 };
}

/** Counts vitest's report; what did not run is named with its reason, which is its title. */
function countTests() {
  const { testResults } = JSON.parse(readFileSync(join(root, REPORT), "utf8"));
  const tests = testResults.flatMap((file) => file.assertionResults.map((test) => ({ ...test, file: file.name })));
  const passed = tests.filter((test) => test.status === "passed").length;
  const skipped = tests.filter((test) => !["passed", "failed"].includes(test.status));
  const again = tests.filter((test) => test.status === "passed" && test.failureMessages.length > 0);
  for (const test of again) console.log(`PASSED AT SECOND TRY ${relative(root, test.file)}: ${test.fullName}`);
  for (const test of skipped) console.log(`SKIPPED ${relative(root, test.file)}: ${test.fullName} (${test.status})`);
  // A file that broke before its first test has no results and is one failure.
  const broken = testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0).length;
  const failed = tests.length - passed - skipped.length + broken;
  return { passed, failed: noSkips ? failed + skipped.length : failed };
}

const noSkips = process.argv.includes("--no-skips");
mkdirSync(join(root, "reports"), { recursive: true });
rmSync(join(root, REPORT), { force: true });
const steps = STEPS.map(runStep);

let [passed, failed] = [0, 0];
for (const { name, ok } of steps) {
  if (name === "tests") {
    const counted = readCount();
    passed += counted.passed;
    // Every test may pass and the step fail all the same, by its coverage.
    failed += counted.failed === 0 && !ok ? 1 : counted.failed;
  } else if (ok) passed += 1;
  else failed += 1;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function readCount() {
  try {
    return countTests();
  } catch (error) {
    console.log(`No report of the tests: ${error.message}`);
    return { passed: 0, failed: 1 };
  }
}
