/** Output that goes nowhere, and dispatchers that cannot be started, are told in one line; what was recorded stays. */
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { open } from "../../src/app/open.js";
import { type Gate, gateIn } from "../crash/gate.js";
import { builtCli } from "../harness/built-cli.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { dispatcherOf, rowsOf } from "../harness/store-look.js";
import { until } from "../harness/until.js";

const box = perTest(createSandbox);
let gate: Gate;
beforeEach(() => {
  gate = gateIn(box);
});

/** Runs `waybill ARGS` with the redirections of a shell. */
function shell(args: string): { readonly status: number | null; readonly stderr: string } {
  const command = `exec '${process.execPath}' '${builtCli()}' ${args}`;
  return spawnSync("/bin/sh", ["-c", command], {
    cwd: box.dir,
    env: { ...box.env },
    encoding: "utf8",
    timeout: 60_000,
  });
}

describe.skipIf(!existsSync("/dev/full"))("on a full disk", { timeout: 120_000 }, () => {
  it.each(["runs list", "--help", "completion bash"])(
    "the output of `waybill %s` is told to be lost, in a line and a hint",
    (args) => {
      const { status, stderr } = shell(`${args} > /dev/full`);
      expect(stderr).toMatch(/^waybill: The output could not be written: ENOSPC[^\n]* \(disk_full\)\n {2}[^\n]+\n$/);
      expect(status).toBe(6);
    },
  );

  it("an error is answered with its own code though it cannot be told", () => {
    expect(shell("runs show none 2> /dev/full").status).toBe(3);
  });

  it("a run whose log cannot be shown is left to a dispatcher, which ends it", async () => {
    box.work("talks", `echo talks; ${gate.wait}`);
    const { status, stderr } = shell("run talks > /dev/full");
    expect(status).toBe(6);
    expect(stderr).toContain("(disk_full)");
    expect(stderr).not.toMatch(/\n {4}at /);
    gate.open();
    await until(
      "a dispatcher has ended the run",
      () => rowsOf(box.home, "SELECT status FROM runs")[0]?.status === "completed",
    );
  });
});

describe("a dispatcher", { timeout: 120_000 }, () => {
  it("whose program is not there is an error that is told", async () => {
    const waybill = await open({ environment: box.env, cwd: box.dir, dispatcherCommand: [box.path("none")] });
    try {
      await expect(waybill.context.ensureDispatcher({ kind: "host" })).rejects.toMatchObject({ code: "spawn_failed" });
    } finally {
      await waybill.close();
    }
  });

  it("goes on with the inventory as it was last, while the file cannot be read", async () => {
    box.machines({ one: { tags: ["any"] } });
    for (const name of ["a", "b"]) box.work(name, gate.wait);
    const plan = box.plan("plan.yaml", [
      { name: "a", tag: "any" },
      { name: "b", tag: "any" },
    ]);
    await box.cli(["batch", "run", plan, "--staging", "1", "--detach"]);
    const id = String(rowsOf(box.home, "SELECT id FROM batches")[0]?.id);
    const pid = await until("there is a dispatcher", () => dispatcherOf(box.home, id));
    await until("one runs", () => rowsOf(box.home, "SELECT id FROM runs WHERE status = 'running'").length === 1);
    writeFileSync(box.path("machines.yaml"), "machines: {");
    gate.open();
    const ended = (): boolean => rowsOf(box.home, "SELECT id FROM runs WHERE status = 'completed'").length === 2;
    await until("both have ended", ended);
    expect(pid).toBeGreaterThan(0);
  });
});
