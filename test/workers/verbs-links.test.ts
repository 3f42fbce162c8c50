import { describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { verbsOf } from "./verbs.js";

const box = perTest(createSandbox);
const verbs = verbsOf(box);

const link = async (from: string, to: string, ...args: string[]) =>
  await box.json<OutputOf<"tasks.link">>(["tasks", "link", from, to, ...args]);
const ready = async (...args: string[]) =>
  (await box.json<OutputOf<"tasks.ready">>(["tasks", "ready", ...args])).tasks.map(({ id }) => id);

describe("`tasks ready`", () => {
  it("lists what waits for nothing but a worker, in the order in which it would be claimed", async () => {
    const old = await verbs.submit("review", "--tag", "blue");
    const later = await verbs.submit("review", "--delay", "1h");
    const urgent = await verbs.submit("build", "--priority", "3", "--tag", "blue", "--tag", "red");
    const waits = await verbs.submit("review", "--depends-on", old);
    const all = await ready();
    const { task } = await verbs.claim();

    expect(all).toEqual([urgent, old]);
    expect(all).not.toContain(later);
    expect(all).not.toContain(waits);
    expect(await ready("--tag", "blue")).toEqual([old]);
    expect(task.id).toBe(urgent);
    expect((await box.cli(["tasks", "ready", "--type", "review"])).stdout).toContain(old.slice(0, 18));
    expect((await box.cli(["tasks", "ready", "--type", "none"])).stdout).toBe("No tasks.\n");
  });
});

describe("`tasks link` and `tasks unlink`", () => {
  it("let a task wait for another until the link is gone", async () => {
    const [first, second] = [await verbs.submit("a"), await verbs.submit("b")];
    const linked = await link(first, second.slice(0, 20));
    const again = await link(first, second);
    const held = await ready();
    const { stdout } = await box.cli(["tasks", "unlink", first, second]);

    expect(linked).toEqual({ link: { from: first, to: second, kind: "blocks", outcome: "completed" }, changed: true });
    expect(again.changed).toBe(false);
    expect(held).toEqual([first]);
    expect(stdout).toBe("unlinked\n");
    expect(await ready()).toEqual([first, second]);
    expect((await box.cli(["tasks", "unlink", first, second])).stdout).toBe("there was no such link\n");
  });

  it("let a task begin with the end that was asked for", async () => {
    const [first, second] = [await verbs.submit("a"), await verbs.submit("b")];
    await link(first, second, "--outcome", "ended");
    await box.cli(["tasks", "cancel", first]);

    expect(await ready()).toEqual([second]);
  });

  it("refuse a circle and say which, and a task that waits for itself", async () => {
    const ids = [await verbs.submit("a"), await verbs.submit("b"), await verbs.submit("c")] as const;
    await link(ids[0], ids[1]);
    await link(ids[1], ids[2]);
    const circle = await verbs.refused(["tasks", "link", ids[2], ids[0]]);

    expect(circle).toMatchObject({ exit: 2, code: "dependency_cycle" });
    for (const id of ids) expect(JSON.stringify(circle.details)).toContain(id);
    expect(await verbs.refused(["tasks", "link", ids[0], ids[0]])).toMatchObject({ code: "dependency_cycle" });
    expect(await ready()).toEqual([ids[0]]);
  });

  it("refuse what runs, and an outcome of a link that waits for none", async () => {
    const [first, second] = [await verbs.submit("a"), await verbs.submit("b")];
    await verbs.claim(second);

    expect(await verbs.refused(["tasks", "link", first, second])).toMatchObject({ exit: 4, code: "invalid_state" });
    expect(
      await verbs.refused(["tasks", "link", first, second, "--kind", "discovered_from", "--outcome", "ended"]),
    ).toMatchObject({ exit: 2, code: "invalid_input" });
  });

  it("tell where a task was found, by its submission or later, and hold nothing back", async () => {
    const origin = await verbs.submit("a");
    const found = await verbs.submit("b", "--discovered-from", origin);
    const later = await verbs.submit("c");
    await link(origin, later, "--kind", "discovered_from");
    const shown = await verbs.show(found);

    expect(shown.links).toEqual([{ from: origin, to: found, kind: "discovered_from", outcome: null }]);
    expect((await verbs.show(origin)).links).toHaveLength(2);
    expect((await box.cli(["tasks", "show", found])).stdout).toMatch(
      new RegExp(`found during +${origin.slice(0, 18)}`),
    );
    expect((await box.cli(["tasks", "show", origin])).stdout).toMatch(new RegExp(`led to +${later.slice(0, 18)}`));
    expect(await ready()).toEqual([origin, found, later]);
  });
});

describe("`tasks submit --write` and `--read`", () => {
  it("hold paths while the task runs: what overlaps waits, and is queued when it has ended", async () => {
    const first = await verbs.submit("a", "--write", "src/store/**", "--read", "docs/", "--space", "shop");
    const second = await verbs.submit("a", "--write", "src/**", "--space", "shop");
    const elsewhere = await verbs.submit("a", "--write", "src/**", "--space", "other");
    const reader = await verbs.submit("a", "--read", "docs/a.md", "--space", "shop");
    const claim = await verbs.claim();
    const taken = [(await verbs.claim()).task.id, (await verbs.claim()).task.id];
    const waits = await verbs.show(second);
    await verbs.say("result", claim, ["--kind", "success"]);

    expect(claim.task).toMatchObject({ id: first });
    expect(claim.task.paths).toContainEqual({ mode: "write", space: "shop", pattern: "src/store/**" });
    expect(taken).toEqual([elsewhere, reader]);
    expect(waits).toMatchObject({ state: "queued", gate: "paths" });
    expect((await verbs.claim()).task.id).toBe(second);
  });

  it("refuse a path that is none", async () => {
    expect(await verbs.refused(["tasks", "submit", "a", "--write", "/etc"])).toMatchObject({ code: "invalid_input" });
  });
});
