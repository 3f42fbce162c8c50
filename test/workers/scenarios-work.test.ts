/** Twenty scenarios that brought down a dispatcher, 9 and 11 to 14: what tasks say, and how they stand to each other. */
import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { formatResult, type OutputOf } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { rowsOf } from "../harness/store-look.js";
import { dispatchesOf } from "./dispatches.js";
import { verbsOf } from "./verbs.js";

const box = perTest(createSandbox);
const verbs = verbsOf(box);
const dispatches = dispatchesOf(box);

const count = () => rowsOf(box.home, "SELECT count(*) AS n FROM tasks")[0]?.n;

describe("what a worker says", () => {
  it.each([
    ["a separator", "ran a | b || c"],
    ["several lines", "line1\nline2\r\n\nline4\n"],
    ["a NUL", "a\0b"],
    ["a megabyte", "0123456789abcdef|\n".repeat(61_000)],
    ["emoji, half of one too", "🚚 żółć \ud83d"],
  ])("9: a summary with %s is stored as it was said, by file and as the last line", async (_what, summary) => {
    writeFileSync(box.path("result"), formatResult({ kind: "success", summary }));
    const byFile = dispatches.worker(`cat result >"$WAYBILL_RESULT_FILE"`);
    const byLine = dispatches.worker("echo working; cat result; echo");
    for (const worker of [byFile, byLine]) {
      const id = await verbs.submit("say");
      expect(await dispatches.run(id, ["--worker-bin", worker])).toMatchObject({ code: 0 });
      const { result } = await verbs.show(id);
      expect(result).toEqual({ v: 2, kind: "success", summary });
    }
  });
});

describe("many tasks", () => {
  const slot = (id: string) => ({
    slot: id,
    task_id: id,
    title: `Do ${id}`,
    files: [`${id}.go`],
    subagent_prompt: "go",
  });
  const manifest = (...waves: readonly string[][]) =>
    JSON.stringify({
      schema_version: 1,
      current_wave: 1,
      waves: waves.map((names, index) => ({ wave: index + 1, slots: names.map(slot) })),
    });
  const importAll = async (document: string) =>
    (await box.json<OutputOf<"tasks.import">>(["tasks", "import", "-"], { input: document })).tasks.map(({ id }) => id);

  it("11: a batch that is half done can be cancelled, and the next one begins at once", async () => {
    const first = await importAll(manifest(["a", "b"], ["c"]));
    await dispatches.run(first[0] ?? "");
    const cancelled = await box.json<OutputOf<"tasks.cancel">>(["tasks", "cancel", ...first]);
    expect(cancelled.tasks.map(({ state }) => state)).toEqual(["completed", "cancelled", "cancelled"]);

    const second = await importAll(manifest(["d"], ["e"]));
    for (const id of second) expect(await dispatches.run(id)).toMatchObject({ code: 0 });
  });

  it("12: the same plan twice is the same tasks, whether it is created or imported", async () => {
    const tasks = [
      { name: "build", type: "make" },
      { name: "test", type: "make", after: ["build"] },
    ];
    writeFileSync(box.path("plan.yaml"), JSON.stringify({ version: 1, tasks }));
    const create = ["tasks", "create", "--file", "plan.yaml"];
    const ids = (plan: OutputOf<"tasks.create">) => plan.tasks.map(({ id }) => id);
    const [one, two] = [
      await box.json<OutputOf<"tasks.create">>(create),
      await box.json<OutputOf<"tasks.create">>(create),
    ];
    expect(ids(two)).toEqual(ids(one));
    expect(two.tasks.map(({ outcome }) => outcome)).toEqual(["existing", "existing"]);

    const waves = manifest(["a"], ["b"]);
    expect(await importAll(waves)).toEqual(await importAll(waves));
    expect(count()).toBe(4);
  });

  it("13: paths are told apart as they are: relative ones are one spelling, others are refused, `=` is a character", async () => {
    const refused = (path: string) => verbs.refused(["tasks", "submit", "edit", "--write", path]);
    for (const path of ["../x", "a/../../x", "/etc/passwd", "C:\\x", "\\\\host\\share", ""]) {
      expect(await refused(path)).toMatchObject({ exit: 2, code: "invalid_input" });
    }
    expect(count() ?? 0).toBe(0);
    const claims = async (path: string) => await verbs.claim(await verbs.submit("edit", "--write", path));
    expect((await claims("./src//lib/../a/b.ts")).task.paths).toMatchObject([{ pattern: "src/a/b.ts" }]);
    // An escape of another program's: here they are three paths, of which nobody waits for another.
    for (const path of ["src=2Fa=2Fb.ts", "src/a=b.ts"]) await claims(path);
    const windows = await verbs.submit("edit", "--write", "src\\a\\b.ts");
    expect(await verbs.refused(["tasks", "claim", windows])).toMatchObject({ exit: 4, code: "paths_conflict" });
  });

  it("14: a circle of tasks is refused, the smallest one too, and hides nothing", async () => {
    const ids = [await verbs.submit("ring"), await verbs.submit("ring"), await verbs.submit("ring")] as const;
    const link = (from: string, to: string) => ["tasks", "link", from, to];
    await box.cli(link(ids[0], ids[1]));
    await box.cli(link(ids[1], ids[2]));
    const circle = await verbs.refused(link(ids[2], ids[0]));
    expect(circle).toMatchObject({ exit: 2, code: "dependency_cycle" });
    for (const id of ids) expect(circle.message).toContain(id);
    expect(await verbs.refused(link(ids[0], ids[0]))).toMatchObject({ exit: 2, code: "dependency_cycle" });

    for (const id of ids) expect(await dispatches.run(id)).toMatchObject({ code: 0 });
  });
});
