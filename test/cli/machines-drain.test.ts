import { beforeEach, describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { gateIn } from "./gate.js";

type Submitted = OutputOf<"runs.submit">;
type Why = OutputOf<"system.why">;

const box = perTest(createSandbox);
beforeEach(() => {
  box.machines({ left: { tags: ["fast"] }, right: { tags: ["fast"] } });
  box.work("work", "echo done");
});

const drain = (...args: readonly string[]) => box.cli(["machines", "drain", "left", "--reason", "new disk", ...args]);

describe("a drained machine", () => {
  it("refuses new work with machine_drained, exit 4, and says why", async () => {
    expect((await drain()).code).toBe(0);
    const { code, stderr } = await box.cli(["run", "work", "--machine", "left"]);

    expect(code).toBe(4);
    expect(stderr).toMatch(/left takes no new work: it is drained by \S+ \(new disk\)\. \(machine_drained\)/);
    expect(stderr).toContain("waybill machines undrain left");
    expect((await box.json<OutputOf<"runs.list">>(["runs", "list"])).runs).toEqual([]);
  });

  it("is shown as such, and passed over by a tag", async () => {
    await drain();
    const { run } = await box.json<Submitted>(["run", "work", "--tag", "fast"]);
    const listed = await box.cli(["machines", "list"]);
    const shown = await box.json<OutputOf<"machines.show">>(["machines", "show", "left"]);

    expect(run).toMatchObject({ machine: "right", status: "completed" });
    expect(listed.stdout).toMatch(/left +idle, drained/);
    expect(shown.drained).toMatchObject({ reason: "new disk" });
  });

  it("keeps queued work waiting, `why` names the drain, and undraining lets it run", async () => {
    await drain();
    const { run } = await box.json<Submitted>(["run", "work", "--machine", "left", "--queue", "--detach"]);
    const why = await box.json<Why>(["why", run.id]);
    await box.cli(["machines", "undrain", "left"]);

    expect(run.status).toBe("pending");
    expect(why.reasons.map((r) => r.code)).toEqual(["machine_drained"]);
    expect((await box.cli(["runs", "wait", run.id])).code).toBe(0);
  });

  it("keeps a batch's entries waiting until it works again, as its dry run has said", async () => {
    await drain();
    const plan = box.plan("plan.yaml", [{ name: "work", machine: "left" }]);
    const dry = await box.json<OutputOf<"batches.run">>(["batch", "run", plan, "--staging", "1", "--dry-run"]);
    const batch = await box.json<OutputOf<"batches.run">>(["batch", "run", plan, "--staging", "1", "--detach"]);
    const id = batch.kind === "report" ? batch.batch.id : "";
    const why = await box.json<Why>(["why", `${id}/work`]);
    await box.cli(["machines", "undrain", "left"]);
    const watched = await box.cli(["batch", "watch", id]);

    expect(dry).toMatchObject({
      placements: [{ decision: "wait", reason: expect.stringContaining("left is drained by") }],
    });
    expect(why.reasons.map((r) => r.code)).toEqual(["machine_drained"]);
    expect(watched.code).toBe(0);
  });

  it("lets what runs there go on, and --wait returns when it is empty", async () => {
    const gate = gateIn(box, "gate");
    box.work("held", gate.script);
    const { run } = await box.json<Submitted>(["run", "held", "--machine", "left", "--detach"]);
    await gate.reached();
    const draining = box.spawnCli(["machines", "drain", "left", "--wait", "--json"]);
    const watching = box.spawnCli(["watch", "--after", "0", "--type", "machine.drained"]);
    await watching.says(/machine\.drained/);
    watching.kill("SIGINT");
    expect(draining.hasEnded()).toBe(false);
    gate.open();
    const { code, stdout } = await draining.ended;

    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ data: { active: 0, status: "idle" } });
    expect((await box.json<OutputOf<"runs.show">>(["runs", "show", run.id])).status).toBe("completed");
  });

  it("must be one of the inventory", async () => {
    const { code, stderr } = await box.cli(["machines", "drain", "lft"]);

    expect([code, stderr]).toEqual([3, expect.stringContaining('Did you mean "left"?')]);
  });
});
