/** Tasks of another program are taken over once, all or none, with what they wait for. */
import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { rowsOf } from "../harness/store-look.js";

type Imported = OutputOf<"tasks.import">;
type Shown = OutputOf<"tasks.show">;

const OWN = "0190163d-8694-739b-aea5-966c26f8ad91";

const box = perTest(createSandbox);

const open = (id: string, more: object = {}) => ({ id, title: `Do ${id}`, status: "open", files: null, ...more });
const write = (name: string, document: unknown) => writeFileSync(box.path(name), JSON.stringify(document));
const count = () => rowsOf(box.home, "SELECT count(*) AS n FROM tasks")[0]?.n ?? 0;
const idOf = ({ tasks }: Imported, source: string) => tasks.find((task) => task.source_id === source)?.id ?? "";

const LIST = {
  schema: { verb: "tasks.list", version: "v2" },
  data: {
    tasks: [
      open(OWN, {
        files: ["src/a.go"],
        context: { priority: "P0", slot: "auth" },
        edges: [{ type: "blocks", target: "next" }],
      }),
      open("next", { edges: [{ type: "discovered-from", target: OWN }] }),
      open("part", { parent: "next", defer_until: "2099-01-01T00:00:00Z" }),
      open("old", { edges: [{ type: "blocks", target: "next" }] }),
      open("new", { edges: [{ type: "supersedes", target: "old" }] }),
      { ...open("done"), status: "closed", closed_reason: "shipped" },
    ],
  },
};

describe("`waybill tasks import`", () => {
  it("takes a list over, with priorities, times, paths, and what waits for what", async () => {
    write("list.json", LIST);
    const imported = await box.json<Imported>(["tasks", "import", "list.json"]);

    expect(Object.fromEntries(imported.tasks.map((task) => [task.source_id, [task.outcome, task.state]]))).toEqual({
      [OWN]: ["created", "queued"],
      next: ["created", "queued"],
      part: ["created", "scheduled"],
      old: ["created", "cancelled"],
      new: ["created", "queued"],
      done: ["created", "completed"],
    });
    const first = await box.json<Shown>(["tasks", "show", OWN]);
    expect(first).toMatchObject({
      id: OWN,
      type: "bones",
      priority: 4,
      tags: [`name:Do ${OWN}`, "slot:auth"],
      paths: [{ mode: "write", space: "", pattern: "src/a.go" }],
      params: { title: `Do ${OWN}`, files: ["src/a.go"] },
    });
    const next = await box.json<Shown>(["tasks", "show", idOf(imported, "next")]);
    expect(next).toMatchObject({ gate: "dependencies", tags: ["name:Do next", "source:next"] });
    expect(next.dependencies.map(({ id }) => id).sort()).toEqual([OWN, idOf(imported, "part")].sort());
    expect(next.links).toContainEqual(expect.objectContaining({ from: OWN, kind: "discovered_from" }));
    const done = await box.json<Shown>(["tasks", "show", idOf(imported, "done")]);
    expect(done).toMatchObject({ state: "completed", result: { kind: "success", summary: "shipped" } });
  });

  it("changes nothing the second time, whatever has become of the tasks here", async () => {
    write("list.json", LIST);
    await box.json(["tasks", "import", "list.json"]);
    await box.cli(["tasks", "cancel", OWN]);
    const again = await box.json<Imported>(["tasks", "import", "list.json"]);

    expect(again.tasks.map(({ outcome }) => outcome)).toEqual(LIST.data.tasks.map(() => "existing"));
    expect(again.tasks[0]?.state).toBe("cancelled");
    expect(count()).toBe(LIST.data.tasks.length);
  });

  it("is done once by two at the same time", async () => {
    write("list.json", LIST);
    const results = await Promise.all([1, 2].map(() => box.cli(["tasks", "import", "list.json"])));

    expect(results.map(({ code }) => code)).toEqual([0, 0]);
    expect(count()).toBe(LIST.data.tasks.length);
  });

  it("says with --dry-run what it would do, and does nothing", async () => {
    write("list.json", LIST);
    const imported = await box.json<Imported>(["tasks", "import", "list.json", "--dry-run"]);

    expect(imported).toMatchObject({ dry_run: true, format: "task_list" });
    expect(imported.tasks.map(({ state }) => state)).toEqual(LIST.data.tasks.map(() => null));
    expect(count()).toBe(0);
  });

  it("reads a manifest of waves from standard input, and lets each wave wait for the one before", async () => {
    const slot = (id: string) => ({
      slot: id,
      task_id: id,
      title: `Do ${id}`,
      files: [`${id}/x.go`],
      subagent_prompt: "go",
    });
    const manifest = {
      schema_version: 1,
      current_wave: 1,
      waves: [
        { wave: 1, slots: [slot("a"), slot("b")] },
        { wave: 2, blocked_until_wave: 1, slots: [slot("c")] },
      ],
    };
    const imported = await box.json<Imported>(["tasks", "import", "-", "--type", "slot", "--outcome", "completed"], {
      input: JSON.stringify(manifest),
    });
    const last = await box.json<Shown>(["tasks", "show", idOf(imported, "c")]);

    expect(imported.format).toBe("dispatch_manifest");
    expect(last).toMatchObject({
      type: "slot",
      gate: "dependencies",
      tags: ["name:Do c", "source:c", "slot:c", "wave:2"],
    });
    expect(last.dependencies.map(({ id, outcome }) => [id, outcome]).sort()).toEqual(
      ["a", "b"].map((id) => [idOf(imported, id), "completed"]).sort(),
    );
  });

  it("lets tasks of a list wait as a manifest of the same tasks says, once, and only those that still wait", async () => {
    write("list.json", [open("a"), open("b"), open("c")]);
    const list = await box.json<Imported>(["tasks", "import", "list.json"]);
    const [a, b, c] = ["a", "b", "c"].map((id) => idOf(list, id));
    await box.cli(["tasks", "claim", c ?? ""]);
    const slot = (id: string) => ({ slot: id, task_id: id, title: id, files: [] });
    const waves = [
      { wave: 1, slots: [slot("a")] },
      { wave: 2, slots: [slot("b"), slot("c")] },
    ];
    write("dispatch.json", { schema_version: 1, current_wave: 1, waves });
    const imports = async () => await box.json<Imported>(["tasks", "import", "dispatch.json"]);
    const [first, second] = [await imports(), await imports()];

    expect(first.tasks.map(({ outcome, linked }) => [outcome, linked])).toEqual([
      ["existing", []],
      ["existing", [a]],
      ["existing", []],
    ]);
    expect(first.notes).toEqual([{ path: "waves[1].slots[1]", message: expect.stringContaining("is running") }]);
    expect(second.tasks.flatMap(({ linked }) => linked)).toEqual([]);
    expect(await box.json<Shown>(["tasks", "show", b ?? ""])).toMatchObject({
      gate: "dependencies",
      dependencies: [{ id: a, outcome: "ended" }],
    });
  });

  it("takes nothing of a document with faults, and names their lines", async () => {
    writeFileSync(
      box.path("list.json"),
      '[{"id":"a","title":"A","status":"open"},\n {"id":"b","title":"B","status":"gone"}]',
    );
    const refused = await box.cli(["tasks", "import", "list.json"]);

    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("list.json:2:33 expected open or claimed or closed");
    expect(count()).toBe(0);
    expect((await box.cli(["tasks", "import", "missing.json"])).stderr).toContain(
      "missing.json cannot be read: ENOENT",
    );
  });

  it("tells what it leaves out", async () => {
    write("list.json", [open("a", { edges: [{ type: "relates", target: "a" }] })]);
    const { stdout } = await box.cli(["tasks", "import", "list.json"]);

    expect(stdout).toContain('left out: [0].edges[0]: edges of the kind "relates" are not known');
  });
});
