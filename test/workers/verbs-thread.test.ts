import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { verbsOf } from "./verbs.js";

type Note = OutputOf<"tasks.note">;

const box = perTest(createSandbox);
const verbs = verbsOf(box);

const note = async (id: string, text: string, ...args: string[]) =>
  await box.json<Note>(["tasks", "note", id, text, ...args]);

async function notes(id: string, ...args: string[]): Promise<Note[]> {
  const { stdout } = await box.cli(["tasks", "notes", id, ...args, "--json"]);
  const lines = stdout.split("\n").filter((line) => line !== "");
  return lines.map((line) => (JSON.parse(line) as { data: Note }).data);
}

describe("`tasks note` and `tasks notes`", () => {
  it("keep a thread in the order in which it was written, and go on from a cursor", async () => {
    const id = await verbs.submit("review");
    const first = await note(id, "one", "--agent", "ann");
    await verbs.claim();
    await note(id, "two", "--agent", "bob");
    await note(id, "three", "--agent", "ann");

    expect(await notes(id)).toMatchObject([
      { author: "ann", kind: "note", attempt: null, text: "one" },
      { author: "bob", attempt: 1, text: "two" },
      { author: "ann", text: "three" },
    ]);
    expect((await notes(id, "--after", String(first.number))).map(({ text }) => text)).toEqual(["two", "three"]);
  });

  it("follow a thread until the task ends, and take notes after that, too", async () => {
    const id = await verbs.submit("review");
    const live = box.spawnCli(["tasks", "notes", id, "--follow"]);
    await note(id, "before");
    await live.says(/before/);
    await note(id, "after");
    await live.says(/after/);
    await box.cli(["tasks", "cancel", id]);

    expect((await live.ended).code).toBe(0);
    expect((await note(id, "too late, said aloud")).attempt).toBeNull();
  });

  it("take text from a file and from standard input, a megabyte as well as a letter", async () => {
    const id = await verbs.submit("review");
    const long = `${"é\n".repeat(400_000)}end`;
    writeFileSync(box.path("note.md"), long);
    const file = await note(id, "@note.md");
    const piped = await box.json<Note>(["tasks", "note", id, "-"], { input: "a" });

    expect(file.text).toBe(long);
    expect(piped.text).toBe("a");
    expect((await notes(id)).map(({ text }) => text.length)).toEqual([long.length, 1]);
  });

  it("keep an author as it says to be, and print it on one line", async () => {
    const id = await verbs.submit("review");
    await note(id, "first line\nsecond line\u001b[31m", "--agent", "team/ann\n99 bob");
    const { stdout } = await box.cli(["tasks", "notes", id]);
    const [head, ...rest] = stdout.trimEnd().split("\n");

    expect((await notes(id))[0]?.author).toBe("team/ann\n99 bob");
    expect(head).toMatch(/ team\/ann 99 bob$/);
    expect(rest).toEqual(["  first line", "  second line\\x1b[31m"]);
  });

  it.each([
    ["an empty one", "", "expected some text"],
    ["bytes that are no UTF-8", Buffer.from([0x68, 0xff, 0xfe]), "is not UTF-8 text"],
    ["more than fits", "x".repeat(4 * 1024 * 1024 + 1), "at most"],
  ])("refuse %s", async (_what, input, message) => {
    const id = await verbs.submit("review");
    const refusal = await verbs.refused(["tasks", "note", id, "-"], { input });

    expect(refusal).toMatchObject({ exit: 2, code: "invalid_input" });
    expect(refusal.message).toContain(message);
    expect(await notes(id)).toEqual([]);
  });

  it("refuse a file that is not there, and a task that is not", async () => {
    const id = await verbs.submit("review");

    expect(await verbs.refused(["tasks", "note", id, "@none.md"])).toMatchObject({ exit: 2, code: "invalid_input" });
    expect(await verbs.refused(["tasks", "note", "ffff", "hi"])).toMatchObject({ exit: 3, code: "task_not_found" });
  });

  it("are shown with the task, the newest ones", async () => {
    const id = await verbs.submit("review");
    for (const text of ["one", "two", "three"]) await note(id, text);
    const { notes: shown } = await box.json<OutputOf<"tasks.show">>(["tasks", "show", id, "--notes", "2"]);

    expect(shown.map(({ text }) => text)).toEqual(["two", "three"]);
    expect((await box.cli(["tasks", "show", id])).stdout).toMatch(/ {2}one\n.* {2}two\n.* {2}three$/ms);
  });
});

describe("a task that waits for a person", () => {
  it("tells its question, goes on with the answer, and has both in its thread", async () => {
    const id = await verbs.submit("review");
    const asking = await verbs.claim("--agent", "ann");
    await verbs.say("result", asking, ["--kind", "needs_input", "--summary", "left or right?", "--agent", "ann"]);
    const waiting = await verbs.show(id);
    const nobody = await verbs.refused(["tasks", "claim"]);
    const reasons = await verbs.why(id);
    const { stdout } = await box.cli(["tasks", "answer", id, "left", "--agent", "eva"]);
    const again = await verbs.claim();

    expect(waiting).toMatchObject({
      ...{ state: "queued", gate: "answer", question: "left or right?", failures: 0, crashes: 0 },
      attempts: [{ state: "cancelled", returned: "needs_input", worker: { agent_id: "ann" } }],
    });
    expect(waiting.attempts[0]?.result).toMatchObject({ v: 2, kind: "needs_input", summary: "left or right?" });
    expect(nobody.code).toBe("nothing_to_claim");
    expect(reasons).toMatchObject([
      {
        code: "waits_for_answer",
        message: expect.stringContaining("left or right?"),
        hint: expect.stringContaining("tasks answer"),
      },
    ]);
    expect(stdout).toContain("queued");
    expect(again.task).toMatchObject({ id, attempt: 2, failures: 0 });
    expect((await notes(id)).map(({ author, kind, text }) => [author, kind, text])).toEqual([
      ["ann", "question", "left or right?"],
      ["eva", "answer", "left"],
    ]);
  });

  it("is completed with what was brought when that is accepted", async () => {
    const id = await verbs.submit("review");
    const fork = ["--kind", "fork", "--summary", "two ways", "--branch", "agent/x", "--rev", "abc"];
    await verbs.say("result", await verbs.claim(), fork);
    const reasons = await verbs.why(id);
    const { task } = await box.json<OutputOf<"tasks.answer">>(["tasks", "answer", id, "--accept"]);

    expect(reasons).toMatchObject([{ code: "waits_for_review", hint: expect.stringContaining("--accept") }]);
    expect(task.state).toBe("completed");
    expect((await verbs.show(id)).result).toEqual({
      ...{ v: 2, kind: "fork", summary: "two ways", branch: "agent/x", rev: "abc" },
    });
  });

  it("goes back to work when the review says what is wrong", async () => {
    const id = await verbs.submit("review");
    await verbs.say("result", await verbs.claim(), ["--kind", "fork", "--summary", "done"]);
    await box.cli(["tasks", "answer", id, "-"], { input: "the names are wrong" });
    const again = await verbs.claim();

    expect(again.task).toMatchObject({ id, attempt: 2 });
    expect((await notes(id)).at(-1)).toMatchObject({ kind: "answer", text: "the names are wrong" });
  });

  it("can be cancelled while it waits", async () => {
    const id = await verbs.submit("review");
    await verbs.say("result", await verbs.claim(), ["--kind", "needs_input", "--summary", "which?"]);
    await box.cli(["tasks", "cancel", id]);

    expect(await verbs.show(id)).toMatchObject({ state: "cancelled" });
    expect(await verbs.refused(["tasks", "answer", id, "left"])).toMatchObject({ exit: 4, code: "invalid_state" });
  });

  it("is not completed by accepting when it asks, and is not answered with nothing", async () => {
    const id = await verbs.submit("review");
    const free = await verbs.refused(["tasks", "answer", id, "left"]);
    await verbs.say("result", await verbs.claim(), ["--kind", "needs_input", "--summary", "which?"]);

    expect(free).toMatchObject({ exit: 4, code: "invalid_state" });
    expect(await verbs.refused(["tasks", "answer", id, "--accept"])).toMatchObject({ exit: 4, code: "invalid_state" });
    expect(await verbs.refused(["tasks", "answer", id])).toMatchObject({ exit: 2, code: "invalid_input" });
  });
});
