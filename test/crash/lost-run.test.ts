/** A run is lost only by proof, says which, and ends once; an observer that is silent proves nothing. */
import { describe, expect, it } from "vitest";
import type { RunDetailView } from "../../src/contracts/run-views.js";
import { LEASE_TTL_MS } from "../../src/domain/lease.js";
import type { LiveCli } from "../harness/cli-process.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { eventsOf } from "../harness/store-look.js";
import { until } from "../harness/until.js";
import { expectEndedOnce, expectNothingLeft } from "./aftermath.js";
import { gateIn } from "./gate.js";
import { killAndAwait, pretendReboot, startOf } from "./machine-record.js";

const box = perTest(createSandbox);

const show = (id: string): Promise<RunDetailView> => box.json(["runs", "show", id]);
const LOST = { status: "interrupted", error_code: "lost", exit_code: null };

async function startDetached(script: string): Promise<string> {
  const answer = await box.cli(["run", box.work("work", script), "--detach"]);
  expect(answer.code).toBe(0);
  return answer.stdout.trim();
}

/** Starts `waybill run` and waits until the store knows that the program runs. */
async function follow(name: string, script: string): Promise<{ id: string; command: LiveCli }> {
  const command = box.spawnCli(["run", box.work(name, script)]);
  const id = (await command.says(/run ([0-9a-f-]{36}) on local/))[1] ?? "";
  await until(`${id} runs`, () => eventsOf(box.home, "run.started", id).length === 1);
  return { id, command };
}

describe("a run whose supervisor is killed", { timeout: 120_000 }, () => {
  it("is interrupted as lost, on the watchdog's record", async () => {
    const id = await startDetached("sleep 600 & sleep 600");
    await killAndAwait(startOf(box, id).supervisor);
    expect(await box.cli(["runs", "wait", id])).toMatchObject({ code: 130 });
    expect(await show(id)).toMatchObject({ ...LOST, evidence: { exit: { reason: "supervisor_died", code: null } } });
    expectEndedOnce(box);
    await expectNothingLeft(box);
  });

  it("with its watchdog is lost by the proof that both are dead, and its program is ended", async () => {
    const id = await startDetached("setsid sleep 600 & sleep 600");
    const { supervisor, watchdog } = startOf(box, id);
    await killAndAwait(watchdog, supervisor);
    expect(await box.cli(["runs", "wait", id])).toMatchObject({ code: 130 });
    expect(await show(id)).toMatchObject({ ...LOST, evidence: { lost: "supervisor_died", start: { supervisor } } });
    expectEndedOnce(box);
    await expectNothingLeft(box);
  });

  it("by a reboot is lost by the boot that its record names", async () => {
    const { id, command } = await follow("work", "exec sleep 600");
    await killAndAwait(command.pid);
    const { supervisor, watchdog, pid } = startOf(box, id);
    await killAndAwait(watchdog, supervisor, pid);
    pretendReboot(box, id);
    expect(await box.cli(["runs", "attach", id])).toMatchObject({ code: 130 });
    expect(await show(id)).toMatchObject({ ...LOST, evidence: { lost: "rebooted", start: { supervisor } } });
    expectEndedOnce(box);
    await expectNothingLeft(box);
  });

  it("leaves its machine free for the next run", async () => {
    const id = await startDetached("exec sleep 600");
    const { supervisor, watchdog } = startOf(box, id);
    await killAndAwait(watchdog, supervisor);
    await box.cli(["runs", "wait", id]);
    expect(await box.cli(["run", box.work("next", "echo next")])).toMatchObject({ code: 0, stdout: "next\n" });
  });
});

describe("a run whose driver is stopped for longer than its lease", { timeout: 180_000 }, () => {
  it("is never lost: another driver brings the machine's outcome, and the stopped one changes nothing afterwards", async () => {
    box.machines({ local: { slots: 2 } });
    const gate = gateIn(box);
    const woken = { wakes: "after the end", ...(await follow("one", `${gate.wait}; echo one; exit 4`)) };
    const waking = { wakes: "before the end", ...(await follow("two", `${gate.wait}; echo two; exit 5`)) };
    for (const { command } of [woken, waking]) command.kill("SIGSTOP");
    const others = [woken, waking].map(({ id }) => box.spawnCli(["runs", "attach", id]));
    for (const { id } of [woken, waking]) {
      const taken = await until(
        "the lease has changed hands",
        () => eventsOf(box.home, "lease.acquired", `run/${id}`)[1],
        3 * LEASE_TTL_MS,
      );
      expect(taken.data.superseded_fence).not.toBeNull();
      expect(await show(id)).toMatchObject({ status: "running", error_code: null, unreachable_since: null });
    }
    waking.command.kill("SIGCONT");
    gate.open();
    const ends = await Promise.all(others.map((other) => other.ended));
    expect(ends.map(({ code, stdout }) => ({ code, stdout }))).toEqual([
      { code: 4, stdout: "one\n" },
      { code: 5, stdout: "two\n" },
    ]);
    const before = await Promise.all([woken, waking].map(({ id }) => show(id)));
    woken.command.kill("SIGCONT");
    expect((await Promise.all([woken, waking].map(({ command }) => command.ended))).map((end) => end.code)).toEqual([
      4, 5,
    ]);
    expect(await Promise.all([woken, waking].map(({ id }) => show(id)))).toEqual(before);
    expectEndedOnce(box);
    await expectNothingLeft(box);
  });
});
