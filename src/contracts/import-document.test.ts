import { describe, expect, it } from "vitest";
import { readImport } from "./import-document.js";
import { importedId } from "./imported-task.js";

const A = "0190163d-8694-739b-aea5-966c26f8ad91";
const options = { root: "/ws", outcome: "ended" } as const;
const read = (document: unknown) => readImport(Buffer.from(JSON.stringify(document, null, 1)), "list.json", options);
const open = (id: string, more: object = {}) => ({ id, title: `Do ${id}`, status: "open", files: null, ...more });
const uuid = (id: string) => importedId(id).id;
const tasksOf = (...records: object[]) => read(records).tasks;

/** What a document is refused with: each problem as `path: message`. */
function problemsOf(document: unknown): string[] {
  try {
    read(document);
  } catch (error) {
    const { code, details } = error as { code: string; details: { problems: { path: string; message: string }[] } };
    expect(code).toBe("invalid_input");
    return details.problems.map(({ path, message }) => `${path}: ${message}`);
  }
  throw new Error("It was read.");
}

describe("a list of tasks", () => {
  it("is read alone, and in the envelope of either version", () => {
    const list = [open("bones-1")];
    const schema = { verb: "tasks.list", version: "v2" };
    const readings = [list, { data: list }, { schema, data: { tasks: list } }].map(read);

    expect(readings[0]?.tasks).toHaveLength(1);
    const places = readings.map((reading) => reading.tasks[0]?.place);
    expect(places).toEqual([[0], ["data", 0], ["data", "tasks", 0]]);
    expect(readings.map(({ tasks: [task] }) => task?.params)).toEqual(Array(3).fill(readings[0]?.tasks[0]?.params));
  });

  it("keeps UUIDs, and makes of another id always the same one, with a tag that holds it", () => {
    const [own, other] = tasksOf(open(A.toUpperCase()), open("bones-1a2b3c4d"));

    expect(own).toMatchObject({ id: A, tags: [] });
    expect(other).toMatchObject({ id: uuid("bones-1a2b3c4d"), tags: ["source:bones-1a2b3c4d"] });
    expect(other?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5/);
  });

  it("brings priority, time, slot and files, and the rest of each record in its params", () => {
    const [task] = tasksOf(
      open(A, {
        status: "claimed",
        claimed_by: "ann",
        claim_epoch: 3,
        context: { priority: "P1", slot: "auth", note: "x" },
        files: ["/ws/src/a=b.ts", "docs/"],
        defer_until: "2026-12-01T03:00:00.5+01:00",
      }),
    );

    expect(task).toMatchObject({
      title: `Do ${A}`,
      priority: 3,
      runAt: Date.parse("2026-12-01T02:00:00.500Z"),
      tags: ["slot:auth"],
      ended: null,
      paths: [
        { mode: "write", space: "", pattern: "src/a=b.ts" },
        { mode: "write", space: "", pattern: "docs/**" },
      ],
      params: {
        files: ["/ws/src/a=b.ts", "docs/"],
        context: { priority: "P1", slot: "auth", note: "x" },
        imported: { id: A, status: "claimed", claimed_by: "ann", claim_epoch: 3 },
      },
    });
  });

  it("takes a time that means none for none", () => {
    expect(tasksOf(open(A, { defer_until: "0001-01-01T00:00:00Z" }))[0]?.runAt).toBeNull();
  });

  it("turns `blocks` and children into what is waited for, and `discovered-from` into where it was found", () => {
    const [first, second, child] = tasksOf(
      open("first", { edges: [{ type: "blocks", target: "second" }] }),
      open("second"),
      open("child", { parent: "second", edges: [{ type: "discovered-from", target: "first" }] }),
    );

    expect(first?.dependsOn).toEqual([]);
    expect(second?.dependsOn).toEqual([
      { id: uuid("first"), outcome: "ended" },
      { id: uuid("child"), outcome: "ended" },
    ]);
    expect(child).toMatchObject({ parentId: uuid("second"), discoveredFrom: uuid("first"), dependsOn: [] });
  });

  it("cancels what is superseded or a duplicate, and lets nothing wait for what is over", () => {
    const tasks = tasksOf(
      open("new", { edges: [{ type: "supersedes", target: "old" }] }),
      open("old", { edges: [{ type: "blocks", target: "next" }] }),
      open("same", { edges: [{ type: "duplicates", target: "copy" }] }),
      open("copy"),
      { ...open("done", { edges: [{ type: "blocks", target: "next" }] }), status: "closed", closed_reason: "shipped" },
      open("next"),
    );

    expect(Object.fromEntries(tasks.map(({ sourceId, ended }) => [sourceId, ended]))).toEqual({
      new: null,
      old: { state: "cancelled", why: "Superseded by new." },
      same: null,
      copy: { state: "cancelled", why: "A duplicate of same." },
      done: { state: "completed", why: "shipped" },
      next: null,
    });
    expect(tasks.at(-1)?.dependsOn).toEqual([]);
  });

  it("says what it does not bring over", () => {
    const { notes } = read([
      open("a", {
        status: "claimed",
        claimed_by: "ann",
        parent: "gone",
        edges: [
          { type: "relates", target: "b" },
          { type: "blocks", target: "gone" },
        ],
      }),
      open("b", {
        edges: [
          { type: "discovered-from", target: "a" },
          { type: "discovered-from", target: "b" },
        ],
      }),
    ]);

    expect(notes).toEqual([
      { path: [0, "status"], message: "it is claimed by ann there, and by nobody here" },
      { path: [0, "parent"], message: "its parent gone is not in the list" },
      { path: [0, "edges", 0], message: 'edges of the kind "relates" are not known' },
      { path: [0, "edges", 1], message: "gone, to which it leads, is not in the list" },
      { path: [1, "edges", 1], message: "a task is discovered from one task; this is another" },
    ]);
  });

  it("is refused as a whole, with the place of every fault", () => {
    expect(problemsOf({ data: { tasks: [{ ...open("a"), status: "done" }, open("b", { files: ["../x"] })] } })).toEqual(
      ['data.tasks[0].status: expected open or claimed or closed, found "done"'],
    );
    expect(problemsOf({ data: { tasks: [open("a"), open("b", { files: ["x", "../y", "/etc/z"] })] } })).toEqual([
      'data.tasks[1].files[1]: The path "../y" leaves the repository.',
      'data.tasks[1].files[2]: The path "/etc/z" begins at the root of the file system, not of the repository.',
    ]);
    expect(problemsOf([open("a"), open(""), open("a")])).toContain(
      '[1].id: expected an id of 1 to 200 characters, found ""',
    );
    expect(problemsOf([open("a"), open("a")])).toEqual(["[1]: the task a stands here twice"]);
    expect(problemsOf([open("a", { files: Array.from({ length: 300 }, (_one, index) => `f${index}`) })])).toEqual([
      "[0].files: A task has 300 paths; at most 256 are allowed.",
    ]);
  });

  it("is refused with the circle when tasks wait for each other", () => {
    const list = [
      open("a", { edges: [{ type: "blocks", target: "b" }] }),
      open("b", { edges: [{ type: "blocks", target: "a" }] }),
    ];

    expect(problemsOf(list)[0]).toMatch(
      /^\[\d\]: these wait for each other: (a|b), which waits for (b|a), which waits for \1$/,
    );
    expect(problemsOf([open("a", { edges: [{ type: "blocks", target: "a" }] })])[0]).toContain("a, which waits for a");
  });

  it("names line and column", () => {
    const text = '[\n  {"id": "a", "title": 7,\n   "status": "open"}\n]';

    expect(() => readImport(Buffer.from(text), "list.json", options)).toThrow(
      "list.json:2:24 expected text, found the number 7",
    );
  });
});

describe("a dispatch manifest", () => {
  const slot = (task: string, more: object = {}) => ({
    slot: task,
    task_id: task,
    title: `Do ${task}`,
    files: [`${task}/x.go`],
    subagent_prompt: `Please do ${task}.`,
    ...more,
  });
  const manifest = (waves: object[], more: object = {}) => ({
    schema_version: 1,
    plan_path: "./plan.md",
    plan_sha256: "abc",
    created_at: "2026-05-11T00:00:00Z",
    current_wave: 1,
    waves,
    ...more,
  });

  it("becomes tasks of which each wave waits for the one before", () => {
    const reading = read(
      manifest([
        { wave: 3, blocked_until_wave: 1, slots: [slot("c")] },
        { wave: 1, slots: [slot(A), slot("b")] },
        { wave: 2, slots: [slot("d", { files: null })] },
      ]),
    );
    const bySource = new Map(reading.tasks.map((task) => [task.sourceId, task]));

    expect(reading.format).toBe("dispatch_manifest");
    expect(bySource.get(A)).toEqual({
      id: A,
      sourceId: A,
      place: ["waves", 1, "slots", 0],
      title: `Do ${A}`,
      params: {
        title: `Do ${A}`,
        files: [`${A}/x.go`],
        slot: A,
        prompt: `Please do ${A}.`,
        imported: { wave: 1, plan_path: "./plan.md", plan_sha256: "abc" },
      },
      priority: 0,
      runAt: null,
      parentId: null,
      dependsOn: [],
      discoveredFrom: null,
      paths: [{ mode: "write", space: "", pattern: `${A}/x.go` }],
      tags: [`slot:${A}`, "wave:1"],
      ended: null,
    });
    const first = [A, uuid("b")].map((id) => ({ id, outcome: "ended" }));
    expect(bySource.get("c")?.dependsOn).toEqual(first);
    expect(bySource.get("d")?.dependsOn).toEqual(first);
  });

  it("has waves that are over already", () => {
    const { tasks } = read(
      manifest(
        [
          { wave: 1, slots: [slot("a")] },
          { wave: 2, slots: [slot("b")] },
        ],
        { current_wave: 2 },
      ),
    );

    expect(tasks.map(({ ended, dependsOn }) => [ended?.state ?? null, dependsOn.length])).toEqual([
      ["completed", 0],
      [null, 0],
    ]);
  });

  it("is refused with the place of every fault", () => {
    expect(problemsOf(manifest([], { schema_version: 2 }))).toEqual(["schema_version: expected 1, found the number 2"]);
    expect(
      problemsOf(
        manifest([
          { wave: 1, slots: [slot("a", { files: ["C:\\x"] })] },
          { wave: 1, blocked_until_wave: 7, slots: [] },
          { wave: 2, blocked_until_wave: 9, slots: [] },
        ]),
      ),
    ).toEqual([
      'waves[0].slots[0].files[0]: The path "C:\\\\x" begins with the letter of a drive.',
      "waves[1].wave: wave 1 stands here twice",
      "waves[2].blocked_until_wave: there is no wave 9",
    ]);
    expect(
      problemsOf(
        manifest([
          { wave: 1, blocked_until_wave: 2, slots: [slot("a")] },
          { wave: 2, slots: [slot("b")] },
        ]),
      )[0],
    ).toContain("these wait for each other");
  });
});

describe("another document", () => {
  it.each([
    ["", "no JSON"],
    ["[{", "import.json:1:"],
    ["plain: yaml", "no JSON"],
    ["7", "neither a list of tasks nor a dispatch manifest"],
    ['{"data": 7}', "neither a list of tasks nor a dispatch manifest"],
    ["\u00ff", "no JSON"],
  ])("is refused: %j", (text, message) => {
    expect(() => readImport(Buffer.from(text), "import.json", options)).toThrow(
      expect.objectContaining({ code: "invalid_input", message: expect.stringContaining(message) }),
    );
  });

  it("is refused when it is no text", () => {
    expect(() => readImport(Uint8Array.of(0x5b, 0xff), "import.json", options)).toThrow("is not UTF-8");
  });
});
