import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { createSandbox, type Sandbox } from "../harness/sandbox.js";
import { gateIn } from "./gate.js";

let box: Sandbox;

describe("`machines`", () => {
  beforeAll(() => {
    box = createSandbox();
    box.machines({ left: { tags: ["fast"], slots: 2 }, right: {}, far: { transport: "ssh", host: "far.invalid" } });
  });
  afterAll(() => box.dispose());

  it("shows what holds and what waits for the slots of each", async () => {
    const gate = gateIn(box, "gate");
    box.work("held", gate.script);
    const submit = ["run", "held", "--machine", "right", "--detach"];
    const { run } = await box.json<OutputOf<"runs.submit">>(submit);
    const queued = await box.json<OutputOf<"runs.submit">>([...submit, "--new", "--queue"]);
    const { machines } = await box.json<OutputOf<"machines.list">>(["machines", "list"]);
    const fast = await box.json<OutputOf<"machines.list">>(["machines", "list", "--tag", "fast"]);
    gate.open();

    expect(machines).toMatchObject([
      { name: "left", status: "idle", slots: 2, active: 0, waiting: 0, runs: [] },
      { name: "right", status: "busy", slots: 1, active: 1, waiting: 1, runs: [run.id] },
      { name: "far", status: "unknown", transport: "ssh", host: "far.invalid" },
    ]);
    expect(fast.machines.map((m) => m.name)).toEqual(["left"]);
    expect((await box.cli(["runs", "wait", run.id, queued.run.id])).code).toBe(0);
  });

  it("shows one, or names the nearest", async () => {
    const shown = await box.cli(["machines", "show", "left"]);
    const missed = await box.cli(["machines", "show", "rigth"]);

    expect(shown.stdout).toMatch(/machine +left/);
    expect(shown.stdout).toMatch(/slots +0 of 2 taken, 0 waiting/);
    expect([missed.code, missed.stderr]).toEqual([3, expect.stringContaining('There is no machine "rigth"')]);
  });

  it("remembers how a machine answered, and asks it again for --check", async () => {
    const before = await box.json<OutputOf<"machines.show">>(["machines", "show", "far"]);
    const { machines } = await box.json<OutputOf<"machines.list">>(["machines", "list", "--check"]);
    const after = await box.cli(["machines", "show", "far"]);

    expect(before).toMatchObject({ status: "unknown", last_failure_at: null, last_error: null });
    expect(machines.map((m) => [m.name, m.status, m.last_error])).toEqual([
      ["left", "idle", null],
      ["right", "idle", null],
      ["far", "offline", "machine_unreachable"],
    ]);
    expect(after.stdout).toMatch(/status +offline/);
    expect(after.stdout).toMatch(/failed +machine_unreachable/);
  });

  it("finds local machines in order, and says of one that cannot be reached why", async () => {
    const fine = await box.json<OutputOf<"machines.check">>(["machines", "check", "left", "right"]);
    const { code, stdout } = await box.cli(["machines", "check"]);

    expect(fine.ok).toBe(true);
    expect(fine.machines.map((m) => [m.name, m.ok])).toEqual([
      ["left", true],
      ["right", true],
    ]);
    expect(code).toBe(6);
    expect(stdout).toMatch(/far\n✖ reach .*ssh/);
  });
});

describe("`doctor`", () => {
  beforeEach(() => {
    box = createSandbox();
    return () => box.dispose();
  });

  it("finds a fresh home in order, and leaves with 0", async () => {
    const { code, stdout } = await box.cli(["doctor"]);

    expect(code).toBe(0);
    expect(stdout).toMatch(/✔ store .*synchronous=full/);
    expect(stdout).not.toContain("✖");
  });

  it("finds a home that others can look into, a broken inventory and a damaged store, and says what to do", async () => {
    mkdirSync(box.home);
    chmodSync(box.home, 0o755);
    writeFileSync(join(box.home, "waybill.db"), "this is no database, but long enough to be read as one".repeat(100));
    writeFileSync(box.path("machines.yaml"), "machines: [");
    const { findings, ok } = await box.json<OutputOf<"system.doctor">>(["doctor"]);
    const bad = findings.filter((f) => !f.ok);

    expect(ok).toBe(false);
    expect(bad.map((f) => f.name)).toEqual(["home", "store", "inventory"]);
    for (const finding of bad) expect(finding.hint).toMatch(/\S/);
    expect((await box.cli(["doctor"])).code).toBe(1);
  });
});
