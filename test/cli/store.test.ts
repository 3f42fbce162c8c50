import { existsSync, readdirSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { gateIn } from "./gate.js";

type Submitted = OutputOf<"runs.submit">;
type Garbage = OutputOf<"store.gc">;

const box = perTest(createSandbox);
beforeEach(() => {
  box.machines({ left: { slots: 4 } });
  box.work("good", 'echo log; echo x > "$WAYBILL_ARTIFACTS_DIR/x"');
});

const submit = async (...args: string[]) => (await box.json<Submitted>(["run", ...args])).run;
const info = () => box.json<OutputOf<"store.info">>(["store", "info"]);
const listed = async () => (await box.json<OutputOf<"runs.list">>(["runs", "list"])).runs.map((run) => run.id);

describe("`store info`", () => {
  it("says where the store is, how durable, and what is in it", async () => {
    await submit("good");

    expect(await info()).toMatchObject({
      url: `file:${box.home}/waybill.db`,
      rows: { runs: 1, batches: 0 },
      stale_writes_refused: 0,
      durability: { journal_mode: "wal", synchronous: "full" },
    });
  });
});

describe("`store gc`", () => {
  it("says with --dry-run what would go, removes exactly that, and spares what is young", async () => {
    const run = await submit("good");
    const young = await box.json<Garbage>(["store", "gc"]);
    const dry = await box.json<Garbage>(["store", "gc", "--older-than", "0s", "--dry-run"]);

    expect(young).toMatchObject({ dry_run: false, runs: [], trees: [] });
    expect(dry).toMatchObject({ dry_run: true, runs: [run.id], trees: [run.test_dir_hash] });
    expect(await listed()).toEqual([run.id]);
    expect(existsSync(run.logs_path ?? "")).toBe(true);

    const real = await box.json<Garbage>(["store", "gc", "--older-than", "0s"]);
    expect({ ...real, dry_run: true }).toEqual(dry);
    expect(await listed()).toEqual([]);
    expect([existsSync(run.logs_path ?? ""), existsSync(run.artifacts_path ?? "")]).toEqual([false, false]);
    expect(readdirSync(`${box.home}/trees`)).toEqual([]);
  });

  it("never removes what is active, nor the tree that a queued run still needs", async () => {
    box.machines({ left: {} });
    const gate = gateIn(box, "gate");
    box.work("held", gate.script);
    const running = await submit("held", "--detach");
    const queued = await submit("good", "--detach", "--queue");
    const collected = await box.json<Garbage>(["store", "gc", "--older-than", "0s"]);
    gate.open();

    expect(collected).toMatchObject({ runs: [], trees: [] });
    expect((await box.cli(["runs", "wait", running.id, queued.id])).code).toBe(0);
  });
});

describe("`store destroy`", () => {
  it("wants --yes, and refuses while a run is active", async () => {
    const gate = gateIn(box, "gate");
    box.work("held", gate.script);
    const { id } = await submit("held", "--detach");
    const unsure = await box.cli(["store", "destroy"]);
    const active = await box.cli(["store", "destroy", "--yes"]);
    gate.open();
    await box.cli(["runs", "wait", id]);

    expect([unsure.code, unsure.stderr]).toEqual([2, expect.stringContaining("--yes")]);
    expect([active.code, active.stderr]).toEqual([4, expect.stringContaining(`${id}. (invalid_state)`)]);
    expect(await listed()).toEqual([id]);
  });

  it("leaves an empty store, which a process that had it open sees at once", async () => {
    const run = await submit("good");
    const watcher = box.spawnCli(["watch", "--after", "0"]);
    await watcher.says(/run\.finished/);
    expect((await box.cli(["store", "destroy", "--yes"])).code).toBe(0);

    expect([await listed(), existsSync(run.logs_path ?? "")]).toEqual([[], false]);
    expect(existsSync(`${box.home}/waybill.db`)).toBe(true);
    const next = await submit("good");
    await watcher.says(new RegExp(`run\\.finished +${next.id}`));
    watcher.kill("SIGTERM");
    await watcher.ended;
  });
});
