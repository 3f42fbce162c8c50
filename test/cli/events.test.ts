import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { createSandbox, type Sandbox } from "../harness/sandbox.js";

type Event = OutputOf<"events.watch">;

let box: Sandbox;
beforeAll(async () => {
  box = createSandbox();
  box.machines({ left: {}, right: {} });
  box.work("a", "exit 0");
  box.work("b", "exit 1");
  box.plan("plan.yaml", [{ name: "a", machine: "left" }]);
  await Promise.all([
    box.cli(["run", "a", "--machine", "right"]),
    box.cli(["batch", "run", "plan.yaml", "--staging", "1"]),
  ]);
});
afterAll(() => box.dispose());

async function events(...args: string[]): Promise<Event[]> {
  const { stdout } = await box.cli(["watch", "--no-follow", "--json", ...args]);
  const lines = stdout.split("\n").filter(Boolean);
  return lines.map((line) => (JSON.parse(line) as { data: Event }).data);
}

describe("`watch`", () => {
  it("goes on after any sequence without a gap or a repeat", async () => {
    const all = await events("--after", "0");
    const middle = all[Math.floor(all.length / 2)]?.sequence ?? 0;
    const rest = await events("--after", String(middle));
    const sequences = all.map((event) => event.sequence);

    expect(all.length).toBeGreaterThan(10);
    expect(sequences).toEqual([...new Set(sequences)].sort((x, y) => x - y));
    expect(rest).toEqual(all.filter((event) => event.sequence > middle));
    expect(await events("--after", String(sequences.at(-1)))).toEqual([]);
  });

  it("tells a run's story in order, and only that with --run", async () => {
    const { run } = await box.json<OutputOf<"runs.submit">>(["run", "b", "--machine", "left"]);
    const types = (await events("--after", "0", "--run", run.id)).map((event) => event.type);

    expect(types[0]).toBe("run.created");
    expect(types.indexOf("run.started")).toBeLessThan(types.indexOf("run.finished"));
    expect(types.filter((type) => type === "run.finished")).toHaveLength(1);
  });

  it("shows a batch and its runs with --batch, and only the types asked for", async () => {
    const { batches } = await box.json<OutputOf<"batches.list">>(["batch", "list"]);
    const id = batches[0]?.id ?? "";
    const ofBatch = await events("--after", "0", "--batch", id);
    const finished = await events("--after", "0", "--batch", id, "--type", "run.finished", "--type", "batch.created");

    expect(new Set(ofBatch.map((event) => event.batch_id))).toEqual(new Set([id]));
    expect(finished.map((event) => event.type)).toEqual(["batch.created", "run.finished"]);
  });

  it("follows what happens from now on until it is interrupted", async () => {
    const live = box.spawnCli([
      "watch",
      "--type",
      "run.finished",
      "--after",
      String((await events("--after", "0")).at(-1)?.sequence),
    ]);
    await box.cli(["run", "a", "--machine", "left"]);
    await live.says(/run\.finished/);
    live.kill("SIGINT");

    expect((await live.ended).stdout.trimEnd().split("\n")).toHaveLength(1);
  });
});
