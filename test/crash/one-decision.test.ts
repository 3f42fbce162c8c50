/** However many ask for the same work at once, from however many processes, it is decided and executed once. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { builtDist } from "../harness/built-cli.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { until } from "../harness/until.js";
import { expectEndedOnce, expectNothingLeft } from "./aftermath.js";
import { gateIn } from "./gate.js";

const SUBMIT_MANY = fileURLToPath(new URL("../fixtures/crash/submit-many.mjs", import.meta.url));
/** Fifty in all, from eight processes. */
const SHARES = [7, 7, 6, 6, 6, 6, 6, 6] as const;
const TOTAL = SHARES.reduce<number>((sum, n) => sum + n, 0);

interface Said {
  readonly submitted?: string;
  readonly outcome?: string;
  readonly ended?: string;
  readonly status?: string;
}

interface Submitter {
  readonly said: () => Said[];
  readonly ended: Promise<number | null>;
}

const box = perTest(createSandbox);

function startSubmitter(dir: string, count: number): Submitter {
  const args = [SUBMIT_MANY, builtDist(), dir, "local", String(count)];
  const child = spawn(process.execPath, args, { env: box.env, cwd: box.dir, stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  const lines = () => text.split("\n").slice(0, -1);
  return {
    said: () => lines().map((line) => JSON.parse(line) as Said),
    ended: new Promise((resolve) => child.once("close", resolve)),
  };
}

const executions = (): string[] => readFileSync(box.path("executions"), "utf8").trim().split("\n");

describe("one directory submitted fifty times at once", { timeout: 180_000 }, () => {
  it("from eight processes through the library is one run, whose id every caller learns", async () => {
    const gate = gateIn(box);
    const dir = box.work("once", `echo ran >> '${box.path("executions")}'; ${gate.wait}`);
    const submitters = SHARES.map((count) => startSubmitter(dir, count));
    const said = () => submitters.flatMap((submitter) => submitter.said());
    await until("all are decided", () => said().filter((fact) => fact.submitted !== undefined).length === TOTAL);
    gate.open();
    expect(await Promise.all(submitters.map((submitter) => submitter.ended))).toEqual(SHARES.map(() => 0));
    const ids = new Set(said().map((fact) => fact.submitted ?? fact.ended));
    expect(ids.size).toBe(1);
    expect(said().filter((fact) => fact.outcome === "created").length).toBe(1);
    expect(said().filter((fact) => fact.status === "completed").length).toBe(TOTAL);
    expect(executions()).toEqual(["ran"]);
    expectEndedOnce(box);
    await expectNothingLeft(box);
  });

  it("by commands is one run, also when those that came first are killed", async () => {
    const gate = gateIn(box);
    const dir = box.work("once", `echo ran >> '${box.path("executions")}'; ${gate.wait}; echo done; exit 7`);
    const commands = Array.from({ length: 8 }, () => box.spawnCli(["run", dir]));
    const decided = await Promise.all(commands.map((command) => command.says(/run ([0-9a-f-]{36}) on local/)));
    expect(new Set(decided.map((match) => match[1])).size).toBe(1);
    for (const command of commands.slice(0, 5)) command.kill("SIGKILL");
    gate.open();
    const ends = await Promise.all(commands.slice(5).map((command) => command.ended));
    expect(ends.map((end) => ({ code: end.code, log: end.stdout }))).toEqual(
      ends.map(() => ({ code: 7, log: "done\n" })),
    );
    expect(executions()).toEqual(["ran"]);
    expectEndedOnce(box);
    await expectNothingLeft(box);
  });
});
