import { existsSync, readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { gateIn } from "./gate.js";

type Submitted = OutputOf<"runs.submit">;
type Cleaned = OutputOf<"machines.gc">;

const LONG_AGO = new Date("2026-01-01T00:00:00Z");

const box = perTest(createSandbox);
let work: string;
beforeEach(() => {
  work = box.path("left");
  box.machines({ left: { work_dir: work, slots: 2 } });
});

const run = async (name: string, ...more: readonly string[]) =>
  (await box.json<Submitted>(["run", name, "--machine", "left", ...more])).run;
const runsThere = () => readdirSync(join(work, "runs")).sort();
const treesThere = () => readdirSync(join(work, "trees")).filter((name) => !name.startsWith("."));
const age = (path: string) => utimesSync(join(work, path), LONG_AGO, LONG_AGO);

describe("`machines gc`", () => {
  it("removes what was not used for a week, and keeps the rest", async () => {
    box.work("old", "echo old");
    box.work("new", "echo new");
    const [old, young] = [await run("old"), await run("new")];
    age(`runs/${old.id}.1`);
    const dry = await box.json<Cleaned>(["machines", "gc", "--dry-run"]);
    expect(runsThere()).toEqual([`${old.id}.1`, `${young.id}.1`].sort());
    const done = await box.json<Cleaned>(["machines", "gc"]);

    expect(dry.machines[0]?.removed).toEqual(done.machines[0]?.removed);
    expect(done.machines[0]?.removed.map(({ kind, name }) => [kind, name])).toEqual([["run", `${old.id}.1`]]);
    expect(runsThere()).toEqual([`${young.id}.1`]);
    expect((await box.cli(["runs", "logs", old.id])).stdout).toBe("old\n");
  });

  it("never touches what a live run needs, whatever is asked", async () => {
    const gate = gateIn(box, "gate");
    box.work("held", gate.script);
    box.work("over", "echo over");
    const held = await run("held", "--detach");
    await gate.reached();
    await run("over");
    const { machines } = await box.json<Cleaned>(["machines", "gc", "--older-than", "0s", "--keep-bytes", "0B"]);

    expect(machines[0]?.ok).toBe(true);
    expect(runsThere()).toEqual([`${held.id}.1`]);
    expect(treesThere()).toHaveLength(1);
    gate.open();
    expect((await box.cli(["runs", "wait", held.id])).code).toBe(0);
  });

  it("removes the least recently used until what is left fits", async () => {
    box.work("one", "head -c 300000 /dev/zero > $WAYBILL_ARTIFACTS_DIR/big");
    await run("one");
    const [tree = ""] = treesThere();
    for (const name of [tree, `.used.${tree}`]) age(`trees/${name}`);
    const { machines } = await box.json<Cleaned>(["machines", "gc", "--older-than", "365d", "--keep-bytes", "1TiB"]);
    const small = await box.json<Cleaned>(["machines", "gc", "--older-than", "365d", "--keep-bytes", "0B"]);

    expect(machines[0]?.removed).toEqual([]);
    expect(small.machines[0]?.removed[0]).toMatchObject({
      kind: "tree",
      name: tree,
      last_used_at: LONG_AGO.toISOString(),
    });
    expect(existsSync(join(work, "trees", tree))).toBe(false);
    expect((await box.cli(["run", "one", "--machine", "left"])).code).toBe(0);
  });

  it("prints what was removed and how much that freed, and cleans others when one cannot be reached", async () => {
    box.work("old", "echo old");
    const old = await run("old");
    age(`runs/${old.id}.1`);
    box.machines({ left: { work_dir: work, slots: 2 }, far: { transport: "ssh", host: "far.invalid" } });
    const { code, stdout } = await box.cli(["machines", "gc"]);

    expect(code).toBe(6);
    expect(stdout).toMatch(new RegExp(`left +run +${old.id}\\.1 +[\\d.]+ \\w+`));
    expect(stdout).toMatch(/left: freed [\d.]+ \w+, [\d.]+ \w+ left/);
    expect(stdout).toMatch(/✖ far: .*machine_unreachable/);
  });
});
