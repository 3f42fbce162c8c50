/** Work that keeps a second account of what it did, out of reach of Waybill, to compare with what Waybill tells. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { parseExitRecord } from "../../src/domain/machine-record.js";
import type { FleetMachine } from "../harness/fleet.js";
import type { Sandbox } from "../harness/sandbox.js";
import { rowsOf } from "../harness/store-look.js";

/**
 * A program that says that it began, writes `$PIECES` pieces of random bytes to its log half a second apart, leaves
 * artifacts, and exits with `$CODE`; it writes all of that into `witness` as well.
 */
export function witnessedScript(box: Sandbox): string {
  const witness = box.path("witness");
  return [
    `witness='${witness}'/"$WAYBILL_RUN_ID"`,
    'mkdir -p "$witness"/artifacts/deep',
    `echo "$WAYBILL_RUN_ID" >> '${box.path("executions")}'`,
    "i=0",
    'while [ "$i" -lt "$PIECES" ]; do',
    '  head -c 6000 /dev/urandom >> "$witness"/log',
    '  tail -c 6000 "$witness"/log',
    "  i=$((i + 1))",
    "  sleep 0.5",
    "done",
    'head -c 300000 /dev/urandom > "$witness"/artifacts/large',
    'echo "$PIECES" > "$witness"/artifacts/deep/small',
    'cp -R "$witness"/artifacts/. "$WAYBILL_ARTIFACTS_DIR"/',
    'exit "$CODE"',
  ].join("\n");
}

/** The runs that began, in the order of their ids. */
export const executionsIn = (box: Sandbox): string[] =>
  existsSync(box.path("executions")) ? readFileSync(box.path("executions"), "utf8").trim().split("\n").sort() : [];

const sha256 = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

/** The hash of each file below a folder, by its path there. */
function hashesBelow(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  const paths = readdirSync(folder, { recursive: true }).map(String).sort();
  const files = paths.filter((path) => statSync(join(folder, path)).isFile());
  return Object.fromEntries(files.map((path) => [path, sha256(join(folder, path))]));
}

/** What the program wrote to its log. */
export const witnessedLog = (box: Sandbox, runId: string): Buffer =>
  readFileSync(join(box.path("witness"), runId, "log"));

/** Every run in the store began once, ended as its machine recorded, and what was brought of it is what it wrote. */
export function expectAsWitnessed(box: Sandbox, machines: readonly FleetMachine[]): void {
  const runs = rowsOf(box.home, "SELECT id, machine, attempt, status, exit_code, artifact_state FROM runs ORDER BY id");
  expect(executionsIn(box)).toEqual(runs.map(({ id }) => id));
  for (const { id, machine, attempt, status, exit_code, artifact_state } of runs) {
    const there = machines.find(({ name }) => name === machine)?.workDir ?? "";
    const record = parseExitRecord(readFileSync(join(there, "runs", `${id}.${attempt}`, "exit"), "utf8"));
    expect({ id, code: exit_code, status, artifacts: artifact_state }).toEqual({
      id,
      code: record?.code,
      status: record?.code === 0 ? "completed" : "failed",
      artifacts: "collected",
    });
    const brought = join(box.home, "runs", String(id), String(attempt));
    const witness = join(box.path("witness"), String(id));
    expect({ id, log: sha256(join(brought, "log")) }).toEqual({ id, log: sha256(join(witness, "log")) });
    expect({ id, files: hashesBelow(join(brought, "artifacts")) }).toEqual({
      id,
      files: hashesBelow(join(witness, "artifacts")),
    });
    expect(readdirSync(brought).filter((name) => name.startsWith("."))).toEqual([]);
  }
}
