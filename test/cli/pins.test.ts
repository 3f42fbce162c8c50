import { describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";

const box = perTest(createSandbox);

const kept = async () => (await box.json<OutputOf<"runs.list">>(["runs", "list"])).runs.map(({ id }) => id);

describe("a pinned run", () => {
  it("is kept by `store gc` until it is unpinned", async () => {
    box.work("good", "exit 0");
    const { run } = await box.json<OutputOf<"runs.submit">>(["run", "good"]);
    const { runs } = await box.json<OutputOf<"runs.pin">>(["runs", "pin", run.id]);
    await box.cli(["store", "gc", "--older-than", "0s"]);

    expect([run.pinned, runs.map(({ id, pinned }) => [id, pinned])]).toEqual([false, [[run.id, true]]]);
    expect(await kept()).toEqual([run.id]);
    expect((await box.cli(["runs", "show", run.id])).stdout).toMatch(/pinned +yes/);
    expect((await box.cli(["runs", "unpin", run.id])).stdout).toBe(`unpinned ${run.id}\n`);
    await box.cli(["store", "gc", "--older-than", "0s"]);
    expect(await kept()).toEqual([]);
  });

  it("can be any number of them, none of which is pinned when one is unknown", async () => {
    box.work("good", "exit 0");
    const { run } = await box.json<OutputOf<"runs.submit">>(["run", "good"]);

    expect((await box.cli(["runs", "pin", run.id, "ffff"])).code).toBe(3);
    expect((await box.json<OutputOf<"runs.show">>(["runs", "show", run.id])).pinned).toBe(false);
  });
});

describe("a run that has ended", () => {
  it("has the size of its log on record", async () => {
    box.work("talk", "printf 'twelve bytes'");
    const { run } = await box.json<OutputOf<"runs.submit">>(["run", "talk"]);

    expect(run.log_bytes).toBe(12);
  });
});
