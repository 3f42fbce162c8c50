/** What was left by a kill is brought up to date by whoever looks next, even by a command that only reads. */
import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { builtCli } from "../harness/built-cli.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { until } from "../harness/until.js";
import { expectEndedOnce, expectNothingLeft } from "./aftermath.js";
import { gateIn } from "./gate.js";

const box = perTest(createSandbox);

const listed = async () => (await box.json<OutputOf<"runs.list">>(["runs", "list"])).runs;

describe("a run whose `waybill run` was killed", { timeout: 60_000 }, () => {
  it("is shown with its outcome to whoever lists the runs, without any other command", async () => {
    const gate = gateIn(box);
    box.work("work", `echo started; ${gate.wait}; exit 5`);
    const driver = box.spawnCli(["run", "work"]);
    await driver.says(/started/);
    driver.kill("SIGKILL");
    await driver.ended;
    gate.open();

    await until("the list shows the end", async () => (await listed())[0]?.status === "failed");

    expect(await listed()).toMatchObject([{ status: "failed", exit_code: 5 }]);
    await expectNothingLeft(box);
    expectEndedOnce(box);
  });

  it("is still listed to somebody who may only read, and start nothing", async () => {
    const gate = gateIn(box);
    box.work("work", `echo started; ${gate.wait}`);
    const driver = box.spawnCli(["run", "work"]);
    await driver.says(/started/);
    driver.kill("SIGKILL");
    await driver.ended;
    execFileSync("chmod", ["-R", "a+rX", box.dir]);

    const command = [process.execPath, builtCli(), "runs", "list", "--active"];
    const nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", ...command];
    expect(execFileSync("setpriv", nobody, { env: { ...box.env }, cwd: "/" }).toString()).toContain("running");

    gate.open();
    await until("the list shows the end", async () => (await listed())[0]?.status === "completed");
    await expectNothingLeft(box);
  });
});
