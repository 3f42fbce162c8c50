/** Many processes on one store, with a reader that never lets go: nothing acknowledged is lost, nobody is turned away. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { builtDist } from "../harness/built-cli.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { rowsOf } from "../harness/store-look.js";
import { until } from "../harness/until.js";

const MIXED = fileURLToPath(new URL("../fixtures/load/mixed.mjs", import.meta.url));
const PROCESSES = 32;
const SECONDS = 60;

interface Said {
  readonly added: number;
  readonly kept: Readonly<Record<string, string>>;
  readonly started: readonly string[];
  readonly errors: readonly string[];
}

const box = perTest(createSandbox);

async function startOne(seed: number): Promise<Said> {
  const child = spawn(process.execPath, [MIXED, builtDist(), String(seed), String(SECONDS)], {
    env: box.env,
    cwd: box.dir,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (piece: Buffer) => {
    text += piece.toString();
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  expect(code).toBe(0);
  return JSON.parse(text) as Said;
}

/** A snapshot that is held open: what is written meanwhile cannot be checkpointed. */
function startSlowReader(): () => void {
  const reader = new Database(join(box.home, "waybill.db"), { readonly: true });
  reader.exec("BEGIN");
  reader.prepare("SELECT count(*) FROM runs").get();
  return () => reader.close();
}

describe(`${PROCESSES} processes for ${SECONDS} s beside a slow reader`, { timeout: 300_000 }, () => {
  it("lose no write, fail no start, and are never told that the store is busy", async () => {
    await box.cli(["vars", "set", "shared", "0"]);
    const endReader = startSlowReader();
    const said = await Promise.all(Array.from({ length: PROCESSES }, (_, i) => startOne(i + 1)));
    endReader();

    expect(said.flatMap((one) => one.errors)).toEqual([]);
    const total = said.reduce((sum, one) => sum + one.added, 0);
    expect(total).toBeGreaterThan(0);
    const [shared] = rowsOf(box.home, "SELECT value FROM variables WHERE key = 'shared'");
    expect(shared?.value).toBe(String(total));
    const kept = Object.assign({}, ...said.map((one) => one.kept)) as Record<string, string>;
    const rows = rowsOf(box.home, "SELECT key, value FROM variables WHERE key LIKE 'own/%'");
    expect(Object.fromEntries(rows.map((row) => [row.key, row.value]))).toEqual(kept);

    const started = said.flatMap((one) => one.started);
    expect(started.length).toBeGreaterThan(0);
    await until("every command has ended", async () => {
      const { runs } = await box.json<OutputOf<"runs.list">>(["runs", "list", "--active"]);
      return runs.length === 0;
    });
    const ended = rowsOf(box.home, "SELECT id FROM runs WHERE status = 'completed' AND exit_code = 0 ORDER BY id");
    expect(ended.map((row) => row.id)).toEqual([...started].sort());
    expect(rowsOf(box.home, "PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
  });
});
