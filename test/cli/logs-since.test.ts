import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { until } from "../harness/until.js";
import { gateIn } from "./gate.js";

const box = perTest(createSandbox);

const HOUR_MS = 3_600_000;

describe("`runs logs --since`", () => {
  it("begins where the log had come to at that time", async () => {
    box.work("work", "echo old; echo new");
    const { run } = await box.json<OutputOf<"runs.submit">>(["run", "work"]);
    const now = Date.now();
    const notes = `${now - 3 * HOUR_MS} 2\n${now - 2 * HOUR_MS} 4\n${now} 8\n`;
    writeFileSync(join(dirname(run.logs_path ?? ""), "log.times"), notes);

    const since = async (age: string) => (await box.cli(["runs", "logs", run.id, "--since", age])).stdout;
    expect(await since("1h")).toBe("new\n");
    expect(await since("150m")).toBe("d\nnew\n");
    expect(await since("10h")).toBe("old\nnew\n");
    expect((await box.cli(["runs", "logs", run.id, "--since", "1h", "--tail", "0"])).stdout).toBe("");
  });

  it("goes by what the supervisor noted while the log grew", async () => {
    const gate = gateIn(box, "half");
    box.work("work", `echo first; ${gate.script}; echo second`);
    const driver = box.spawnCli(["run", "work"]);
    const [, id = ""] = await driver.says(/run (\S+) on local/);
    const path = join(box.home, "machines/local/runs", `${id}.1`, "log.times");
    await until("the first line is noted", () => existsSync(path) && readFileSync(path, "utf8") !== "");
    gate.open();
    await driver.ended;

    const { logs_path: log } = await box.json<OutputOf<"runs.show">>(["runs", "show", id]);
    const [first] = readFileSync(`${log}.times`, "utf8").split("\n");
    expect(first).toMatch(/^\d{13} 6$/);
  });
});
