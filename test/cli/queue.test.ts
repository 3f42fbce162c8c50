import { writeFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { type Gate, gateIn } from "./gate.js";

type Submitted = OutputOf<"runs.submit">;

const box = perTest(createSandbox);
let gate: Gate;
let holder: string;
beforeEach(async () => {
  box.machines({ left: { tags: ["fast"] }, right: { tags: ["fast", "gpu"] } });
  gate = gateIn(box, "holder");
  box.work("holder", gate.script);
  box.work("other", "echo other");
  holder = (await box.json<Submitted>(["run", "holder", "--machine", "left", "--detach"])).run.id;
});

describe("a full machine", () => {
  it("refuses other work with machine_busy, exit 4, and names the run that holds it", async () => {
    const { code, stdout, stderr } = await box.cli(["run", "other", "--machine", "left"]);

    expect([code, stdout]).toEqual([4, ""]);
    expect(stderr).toContain(`left is busy: run ${holder} (holder, running) holds its slot. (machine_busy)`);
    expect(stderr).toContain("--queue");
    expect((await box.json<OutputOf<"runs.list">>(["runs", "list"])).runs).toHaveLength(1);
  });

  it("lets queued work start in the order of submission", async () => {
    const order = box.path("order");
    const ids: string[] = [];
    for (const name of ["first", "second", "third"]) {
      box.work(name, `echo ${name} >> '${order}'`);
      ids.push((await box.json<Submitted>(["run", name, "--machine", "left", "--queue", "--detach"])).run.id);
    }
    gate.open();
    expect((await box.cli(["runs", "wait", ...ids])).code).toBe(0);
    const { runs } = await box.json<OutputOf<"runs.list">>(["runs", "list"]);
    const started = runs.map((run) => [run.started_at, run.ref]).sort();

    expect(started.map(([, ref]) => ref)).toEqual(["holder", "first", "second", "third"]);
  });

  it("follows a queued run from the terminal once its turn has come", async () => {
    const queued = box.spawnCli(["run", "other", "--machine", "left", "--queue"]);
    await queued.says(/^run .* on left/m);
    gate.open();

    expect(await queued.ended).toMatchObject({ code: 0, stdout: "other\n" });
  });

  it("runs what was submitted, whatever becomes of the directory while it waits", async () => {
    const dir = box.work("edited", "cat data", { data: "as submitted" });
    const { run } = await box.json<Submitted>(["run", "edited", "--machine", "left", "--queue", "--detach"]);
    writeFileSync(`${dir}/data`, "edited later");
    writeFileSync(`${dir}/run.sh`, "exit 9");
    gate.open();

    expect((await box.cli(["runs", "attach", run.id])).stdout).toBe("as submitted");
  });
});

describe("--tag", () => {
  it("takes a machine of the tag that is free", async () => {
    const { run } = await box.json<Submitted>(["run", "other", "--tag", "fast"]);

    expect(run).toMatchObject({ machine: "right", status: "completed" });
  });

  it("attaches to the same work on whichever machine of the tag it runs", async () => {
    const again = await box.json<Submitted>(["run", "holder", "--tag", "fast", "--detach"]);

    expect([again.outcome, again.run.id]).toEqual(["reuse", holder]);
  });

  it("names the nearest tag when no machine carries it", async () => {
    const { code, stderr } = await box.cli(["run", "other", "--tag", "gpo"]);

    expect(code).toBe(3);
    expect(stderr).toContain('No machine matches tag:gpo; the nearest is "gpu". (no_matching_machine)');
  });
});
