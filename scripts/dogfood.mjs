/**
 * `npm run dogfood`: Waybill runs its own tests, one entry for each test file, over two local machines.
 *
 * An entry's directory holds only a `run.sh` that runs vitest of this checkout on that file: the checkout is what is tested,
 * and a copy of it without `node_modules` could not test itself.
 */
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { commandLine, newestBatch, root } from "./cli.mjs";

const base = join(root, ".waybill/dogfood");
const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function testFiles() {
  return ["src", "test", "scripts"].flatMap((folder) =>
    readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(".test.ts"))
      .map((entry) => relative(root, join(entry.parentPath, entry.name))),
  );
}

/** One directory and one entry for a test file. */
function writeEntry(file) {
  const name = file.replace(/\.test\.ts$/, "").replaceAll("/", ".");
  const dir = join("entries", name);
  const script = join(base, dir, "run.sh");
  mkdirSync(join(base, dir), { recursive: true });
  const report = '--reporter=default --reporter=junit --outputFile.junit="$WAYBILL_ARTIFACTS_DIR/junit.xml"';
  // What Waybill tells this run must not be taken for settings by the tests of Waybill.
  const clean = "exec env -u WAYBILL_HOME -u WAYBILL_STORE -u WAYBILL_MACHINES";
  writeFileSync(script, `#!/bin/sh\ncd ${quote(root)} || exit 1\n${clean} npx vitest run ${report} ${quote(file)}\n`);
  chmodSync(script, 0o755);
  return { name, dir, tag: "checkout", timeout: "15m" };
}

rmSync(join(base, "entries"), { recursive: true, force: true });
const entries = testFiles().map(writeEntry);
const machines = Object.fromEntries(
  ["port", "starboard"].map((name) => [name, { tags: ["checkout"], work_dir: join("machines", name) }]),
);
// JSON is YAML.
writeFileSync(join(base, "plan.yaml"), JSON.stringify({ version: 1, entries }, null, 2));
writeFileSync(join(base, "machines.yaml"), JSON.stringify({ machines }, null, 2));

const staging = `dogfood-${new Date().toISOString()}`;
const cli = commandLine(join(base, "home"));
const inventory = ["--machines", join(base, "machines.yaml")];
process.exitCode = await cli.waybill(["batch", "run", join(base, "plan.yaml"), "--staging", staging, ...inventory]);

const { items } = await newestBatch(cli, staging);
for (const { name, run } of items.filter((item) => item.run?.status !== "completed")) {
  console.log(`${name}: ${run?.status ?? "not run"}, log in ${run?.logs_path}`);
}
