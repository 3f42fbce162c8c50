import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { createSandbox, type Sandbox } from "../harness/sandbox.js";
import { gateIn } from "./gate.js";

type List = OutputOf<"runs.list">;

let box: Sandbox;
let ids: readonly string[];

const submit = async (args: readonly string[]) => (await box.json<OutputOf<"runs.submit">>(["run", ...args])).run;
const list = (args: readonly string[] = []) => box.json<List>(["runs", "list", ...args]);
const idsOf = ({ runs }: List) => runs.map((run) => run.id);

beforeAll(async () => {
  box = createSandbox();
  box.machines({ left: { slots: 8 }, right: {} });
  box.work("good", "for i in 1 2 3 4 5; do echo line $i; done");
  box.work("bad", "exit 3");
  const made = [];
  for (const args of [
    ["good", "--machine", "left"],
    ["bad", "--machine", "left"],
    ["good", "--machine", "right"],
  ]) {
    made.push((await submit(args)).id);
  }
  ids = made;
});
afterAll(() => box.dispose());

describe("`runs list`", () => {
  it("shows the newest first, and what each filter says", async () => {
    const [good, bad, right] = ids;
    const filters: readonly (readonly [readonly string[], readonly (string | undefined)[]])[] = [
      [[], [right, bad, good]],
      [
        ["--machine", "left"],
        [bad, good],
      ],
      [["--status", "failed"], [bad]],
      [
        ["--status", "failed", "--status", "completed"],
        [right, bad, good],
      ],
      [
        ["--ref", "good"],
        [right, good],
      ],
      [["--ref", "good", "--machine", "left"], [good]],
      [["--kind", "command"], []],
      [["--created-by", "nobody-of-that-name"], []],
      [["--active"], []],
    ];
    const found = await Promise.all(filters.map(async ([args]) => idsOf(await list(args))));

    expect(found).toEqual(filters.map(([, expected]) => expected));
  });

  it("goes from page to page by `next`, without a gap or a repeat", async () => {
    const seen: string[] = [];
    let next: string | null = null;
    let pages = 0;
    do {
      const page: List = await list(["--limit", "2", ...(next === null ? [] : ["--before", next])]);
      seen.push(...idsOf(page));
      next = page.next;
      pages += 1;
    } while (next !== null);

    expect([seen, pages]).toEqual([[...ids].reverse(), 2]);
  });

  it("is a table for people, and says so when there is nothing", async () => {
    const { stdout } = await box.cli(["runs", "list"]);
    const none = await box.cli(["runs", "list", "--active"]);

    expect(stdout).toMatch(/RUN +STATUS +MACHINE +REF/);
    expect(stdout).toMatch(/✖ failed +left +bad .* 3 +nonzero_exit/);
    expect(none.stdout).toBe("No runs.\n");
  });
});

describe("an id", () => {
  it("may be any unique prefix, and is refused with the candidates when it is not unique", async () => {
    const [good = ""] = ids;
    const common = good.slice(0, 3);
    const ambiguous = await box.cli(["runs", "show", common]);

    expect((await box.json<OutputOf<"runs.show">>(["runs", "show", good.slice(0, 20)])).id).toBe(good);
    expect(ambiguous.code).toBe(2);
    for (const id of ids) expect(ambiguous.stderr).toContain(id);
  });
});

describe("`runs logs`", () => {
  it("prints all, the last lines, or what follows an offset", async () => {
    const [good = ""] = ids;
    const asked = [[], ["--tail", "2"], ["--tail", "0"], ["--tail", "99"], ["--from", "28"], ["--from", "35"]];
    const all = "line 1\nline 2\nline 3\nline 4\nline 5\n";
    const found = await Promise.all(asked.map(async (args) => (await box.cli(["runs", "logs", good, ...args])).stdout));

    expect(found).toEqual([all, "line 4\nline 5\n", "", all, "line 5\n", ""]);
  });

  it("follows a live run to its end, and shows what there is without --follow", async () => {
    const gate = gateIn(box, "live");
    box.work("live", `echo before; ${gate.script}; echo after`);
    const { id } = await submit(["live", "--machine", "left", "--detach"]);
    await gate.reached();
    const follower = box.spawnCli(["runs", "logs", id, "--follow"]);
    await follower.says(/before/);
    const now = await box.cli(["runs", "logs", id]);
    gate.open();

    expect(now.stdout).toBe("before\n");
    expect(await follower.ended).toMatchObject({ code: 0, stdout: "before\nafter\n" });
  });
});

describe("`runs wait`", () => {
  it("leaves with 124 when its time is over and the run goes on", async () => {
    const gate = gateIn(box, "slow");
    box.work("slow", gate.script);
    const { id } = await submit(["slow", "--machine", "left", "--detach"]);
    const late = await box.cli(["runs", "wait", id, "--timeout", "1s"]);

    expect([late.code, late.stdout]).toEqual([124, ""]);
    expect(late.stderr).toContain("(timeout)");
    expect(await list(["--active"])).toMatchObject({ runs: [{ id, status: "running" }] });
    gate.open();
    expect((await box.cli(["runs", "wait", id])).code).toBe(0);
  });

  it("returns with --any as soon as one has ended, and with the first failure's code otherwise", async () => {
    const gate = gateIn(box, "later");
    box.work("later", `${gate.script}; exit 5`);
    const { id } = await submit(["later", "--machine", "left", "--detach"]);
    const [good = "", bad = ""] = ids;
    const any = await box.json<OutputOf<"runs.wait">>(["runs", "wait", id, good, "--any"]);
    gate.open();

    expect(any.runs.map((run) => run.status)).toEqual(["running", "completed"]);
    expect((await box.cli(["runs", "wait", good, id, bad])).code).toBe(5);
  });
});

describe("`runs cancel`", () => {
  it("ends an active run as interrupted, waits for that, and leaves an ended one as it is", async () => {
    box.work("endless", "exec sleep 600");
    const { id } = await submit(["endless", "--machine", "left", "--detach", "--grace", "1s"]);
    const [good = ""] = ids;
    const { runs } = await box.json<OutputOf<"runs.cancel">>(["runs", "cancel", id, good]);

    expect(runs).toMatchObject([
      { id, status: "interrupted", error_code: "cancelled" },
      { id: good, status: "completed", error_code: null },
    ]);
    expect((await box.cli(["runs", "wait", id])).code).toBe(130);
  });

  it("takes a queued run out of the line", async () => {
    const gate = gateIn(box, "holds");
    box.work("holds", gate.script);
    const holder = await submit(["holds", "--machine", "right", "--detach"]);
    const queued = await submit(["bad", "--machine", "right", "--queue", "--detach"]);
    const { runs } = await box.json<OutputOf<"runs.cancel">>(["runs", "cancel", queued.id]);
    gate.open();

    expect(runs).toMatchObject([{ status: "interrupted", started_at: null }]);
    expect((await box.cli(["runs", "wait", holder.id])).code).toBe(0);
  });
});

describe("`runs rm`", () => {
  it("refuses all when one of them is active, and removes record, log and artifacts otherwise", async () => {
    const gate = gateIn(box, "busy");
    box.work("busy", gate.script);
    box.work("leaves", 'echo log; echo x > "$WAYBILL_ARTIFACTS_DIR/x"');
    const active = await submit(["busy", "--machine", "left", "--detach"]);
    const ended = await submit(["leaves", "--machine", "left"]);
    const refused = await box.cli(["runs", "rm", ended.id, active.id]);

    expect([refused.code, refused.stderr]).toEqual([
      4,
      expect.stringContaining("nothing was removed. (invalid_state)"),
    ]);
    expect(existsSync(ended.logs_path ?? "")).toBe(true);
    expect((await box.cli(["runs", "rm", ended.id])).stdout).toBe(`removed ${ended.id}\n`);
    expect([existsSync(ended.logs_path ?? ""), existsSync(ended.artifacts_path ?? "")]).toEqual([false, false]);
    expect((await box.cli(["runs", "show", ended.id])).code).toBe(3);
    gate.open();
    expect((await box.cli(["runs", "wait", active.id])).code).toBe(0);
  });
});
