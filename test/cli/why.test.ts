import { writeFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import type { BatchReport, OutputOf } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { signal } from "../harness/processes.js";
import { createSandbox } from "../harness/sandbox.js";
import { until } from "../harness/until.js";
import { type Gate, gateIn } from "./gate.js";

type Why = OutputOf<"system.why">;

const box = perTest(createSandbox);
let gate: Gate;
beforeEach(() => {
  box.machines({ left: {}, right: {} });
  gate = gateIn(box, "gate");
  box.work("held", gate.script);
  box.work("next", "exit 0");
  box.work("after", "exit 0 # not the same work");
});

const why = async (id: string) => (await box.json<Why>(["why", id])).reasons;
const codes = async (id: string) => (await why(id)).map((reason) => reason.code);
const submit = async (dir: string, ...args: string[]) =>
  (await box.json<OutputOf<"runs.submit">>(["run", dir, "--machine", "left", "--detach", ...args])).run.id;

describe("`why` of a run", () => {
  it("says of a queued one who holds the slots and who came before it", async () => {
    const holder = await submit("held");
    const first = await submit("next", "--queue");
    const second = await submit("after", "--queue");

    expect(await why(first)).toMatchObject([{ code: "slots_taken", holders: [holder] }]);
    expect(await why(second)).toMatchObject([
      { code: "slots_taken", holders: [holder] },
      { code: "waits_in_line", holders: [first] },
    ]);
  });

  it("says of a running one for how long and who looks after it, and of an ended one how it ended", async () => {
    const id = await submit("held");
    const running = await until("a dispatcher looks after the run", async () => {
      const reasons = await why(id);
      return reasons[0]?.code === "running" && reasons[0].holders.length === 1 ? reasons : null;
    });
    expect(running[0]).toMatchObject({ code: "running", message: expect.stringContaining("running on left") });
    gate.open();
    await box.cli(["runs", "wait", id]);

    expect(await why(id)).toMatchObject([{ code: "ended", message: expect.stringContaining("completed") }]);
  });

  it("says that its driver is gone when that was killed, and who takes it over", async () => {
    const live = box.spawnCli(["run", "held", "--machine", "left"]);
    await gate.reached();
    const [, id = ""] = await live.says(/run (\S+) on left/);
    await until("the start is recorded", async () => (await codes(id)).includes("running"));
    live.kill("SIGKILL");
    await live.ended;

    expect(await why(id)).toMatchObject([
      { code: "running" },
      { code: "driver_gone", hint: expect.stringContaining(`runs attach ${id}`) },
    ]);
  });

  it("says which variable whoever starts it must have", async () => {
    const holder = await submit("held");
    const live = box.spawnCli(["run", "next", "--machine", "left", "--queue", "--env", "TOKEN"], {
      env: { TOKEN: "x" },
    });
    const [, id = ""] = await live.says(/run (\S+) on left/);
    live.kill("SIGKILL");
    await live.ended;
    gate.open();
    await box.cli(["runs", "wait", holder]);

    expect(await why(id)).toMatchObject([{ code: "missing_env", holders: ["TOKEN"] }]);
    expect((await box.cli(["runs", "attach", id], { env: { TOKEN: "x" } })).code).toBe(0);
  });

  it("says that it is being cancelled", async () => {
    box.work("stubborn", `trap '' TERM; ${gate.script}`);
    const id = await submit("stubborn", "--grace", "60s");
    await gate.reached();
    await box.cli(["runs", "cancel", id, "--no-wait"]);

    expect(await codes(id)).toContain("cancelling");
  });
});

describe("`why` of a batch", () => {
  const report = async () => {
    const found = await box.json<OutputOf<"batches.run">>(["batch", "run", "plan.yaml", "--staging", "1", "--detach"]);
    return found as BatchReport;
  };

  it("says of each open entry what it waits on, and of a skipped one why", async () => {
    box.plan("plan.yaml", [
      { name: "held", machine: "left" },
      { name: "next", machine: "left" },
      { name: "nowhere", dir: "next", machine: "lefd" },
    ]);
    const { batch, items } = await report();
    const holder = items[0]?.run_id ?? "";

    expect(await why(`${batch.id}/next`)).toMatchObject([{ code: "slots_taken", holders: [holder] }]);
    expect(await why(`${batch.id}/nowhere`)).toMatchObject([
      { code: "skipped", message: expect.stringContaining('the nearest is "left"') },
    ]);
    const found = await until("the first wave runs", async () => {
      const now = await codes(batch.id);
      return now.includes("running") ? now : null;
    });
    expect(found).toEqual(expect.arrayContaining(["running", "slots_taken"]));
    expect((await box.cli(["why", `${batch.id}/nex`])).stderr).toContain('Did you mean "next"?');
    gate.open();
    await box.cli(["batch", "watch", batch.id]);
    expect(await codes(batch.id)).toEqual(["all_decided"]);
  });

  it("says that its dispatcher is gone, and which variables an entry needs", async () => {
    const needing = { name: "next", dir: "next", machine: "left", env: { A: { from_env: "TOKEN" } } };
    const entries = [{ name: "held", dir: "held", machine: "left" }, needing];
    writeFileSync(box.path("plan.yaml"), JSON.stringify({ version: 1, entries }));
    const args = ["batch", "run", "plan.yaml", "--staging", "1", "--detach"];
    const { batch } = await box.json<BatchReport>(args, { env: { TOKEN: "x" } });
    signal(await dispatcherOf(batch.id), "SIGKILL");

    await until("the dispatcher is known to be gone", async () => (await codes(batch.id)).includes("dispatcher_gone"));
    expect(await why(`${batch.id}/next`)).toMatchObject([{ code: "missing_env", holders: ["TOKEN"] }]);
    gate.open();
    expect((await box.cli(["batch", "watch", batch.id], { env: { TOKEN: "x" } })).code).toBe(0);
  });
});

/** The pid of the process that took the batch's lease, from the feed. */
async function dispatcherOf(batchId: string): Promise<number> {
  return await until("the batch's dispatcher takes its lease", async () => {
    const { stdout } = await box.cli(["watch", "--after", "0", "--no-follow", "--type", "lease.acquired", "--json"]);
    const events = stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => (JSON.parse(line) as { data: OutputOf<"events.watch"> }).data);
    const taken = events.find((event) => event.subject === `batch/${batchId}`);
    return taken === undefined ? null : Number(taken.data.pid);
  });
}
