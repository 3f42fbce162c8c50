import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { createSandbox, type Sandbox } from "../harness/sandbox.js";

let box: Sandbox;
const ids: string[] = [];

/** Two of `unit` that completed, one that failed, and one of `docs`; ids are oldest first. */
beforeAll(async () => {
  box = createSandbox();
  box.work("unit", 'exit "$1"');
  box.work("docs", "exit 0");
  const ci = { env: { WAYBILL_SOURCE: "ci" } };
  for (const args of [
    ["unit", "--new", "--label", "branch=main", "--", "0"],
    ["unit", "--new", "--label", "branch=next", "--label", "team=blue", "--", "3"],
    ["unit", "--new", "--label", "branch=main", "--label", "team=blue", "--", "0"],
    ["docs", "--new"],
  ]) {
    const { run } = await box.json<OutputOf<"runs.submit">>(["run", ...args], args[0] === "docs" ? ci : {});
    ids.push(run.id);
  }
});
afterAll(() => box.dispose());

async function refs(...args: string[]) {
  const data = await box.json<OutputOf<"runs.history">>(["history", ...args]);
  if (data.kind !== "refs") throw new Error("Expected one line a ref.");
  return data;
}

async function runsOf(...args: string[]): Promise<number[]> {
  const data = await box.json<OutputOf<"runs.history">>(["history", "unit", ...args]);
  if (data.kind !== "runs") throw new Error("Expected the runs of a ref.");
  return data.runs.map(({ run }) => ids.indexOf(run.id));
}

describe("`history`", () => {
  it("has one line a ref: its last status, how many ran, and how long completed ones took", async () => {
    const { refs: lines, next } = await refs();

    expect(lines.map((l) => [l.ref, l.last_status, l.runs])).toEqual([
      ["docs", "completed", 1],
      ["unit", "completed", 3],
    ]);
    expect(lines.map((l) => [l.last_run_id, l.durations_ms.length, l.trend])).toEqual([
      [ids[3], 1, null],
      [ids[2], 2, null],
    ]);
    expect(next).toBeNull();
  });

  it("pages refs by name", async () => {
    const first = await refs("--limit", "1");
    const second = await refs("--limit", "1", "--after", first.next ?? "");

    expect([...first.refs, ...second.refs].map((l) => l.ref)).toEqual(["docs", "unit"]);
  });

  it("applies filters before the limit", async () => {
    expect((await refs("--source", "ci", "--limit", "1")).refs.map((l) => l.ref)).toEqual(["docs"]);
    expect((await refs("--status", "failed", "--limit", "1")).refs.map((l) => [l.ref, l.runs])).toEqual([["unit", 1]]);
    expect(await runsOf("--status", "failed", "--limit", "1")).toEqual([1]);
    expect(await runsOf("--label", "branch=main", "--limit", "5")).toEqual([2, 0]);
    expect(await runsOf("--label", "branch=main", "--label", "team=blue")).toEqual([2]);
    expect(await runsOf("--since", "1h")).toEqual([2, 1, 0]);
    expect(await runsOf("--until", "1h")).toEqual([]);
    expect(await runsOf("--until", "2999-01-01", "--limit", "1")).toEqual([2]);
  });

  it("pages the runs of a ref by key", async () => {
    expect(await runsOf("--limit", "2")).toEqual([2, 1]);
    expect(await runsOf("--limit", "2", "--before", ids[1] ?? "")).toEqual([0]);
  });

  it("draws durations for people, and says so when there is nothing", async () => {
    const listed = await box.cli(["history"]);
    const runs = await box.cli(["history", "unit"]);

    expect(listed.stdout).toMatch(/^REF +LAST +SUBMITTED +RUNS +TYPICAL +TREND +DURATIONS\n/);
    expect(listed.stdout).toMatch(/\nunit +✔ completed .*[▁▂▃▄▅▆▇█]{2}\n/);
    expect(runs.stdout).toMatch(/^unit {2}[▁▂▃▄▅▆▇█]{2} {2}typical /);
    expect(runs.stdout).toContain("✖ failed");
    expect((await box.cli(["history", "nothing"])).stdout).toBe("No runs.\n");
  });

  it("refuses what is neither a duration nor a time", async () => {
    const { code, stderr } = await box.cli(["history", "--since", "yesterday"]);

    expect([code, stderr]).toEqual([2, expect.stringContaining("since: expected how long ago")]);
  });
});
