import { describe, expect, it } from "vitest";
import { buildSpec } from "./spec.js";
import { buildWorkerCommand } from "./worker-command.js";

const task = { id: "bones-1a2b3c4d", title: "Fix the parser", files: ["/ws/a.ts", "/ws/b=c|d.ts"] };

describe("a dispatch", () => {
  it("names thread and worker after task and parent, and copies what it was given", () => {
    const given = { ...task, files: [...task.files] };
    const spec = buildSpec("planner", "/ws", given);
    given.files.push("/ws/later.ts");

    expect(spec).toEqual({
      taskId: "bones-1a2b3c4d",
      title: "Fix the parser",
      files: ["/ws/a.ts", "/ws/b=c|d.ts"],
      thread: "bones-1a2b3c4d",
      parentAgentId: "planner",
      workerAgentId: "planner/bones-1a2b3c4d",
      workspaceDir: "/ws",
    });
    expect(() => (spec.files as string[]).push("x")).toThrow(TypeError);
    expect(buildSpec("planner", "/ws", task)).toEqual(spec);
  });

  it("takes any text for a name, and no title", () => {
    const spec = buildSpec("ann/laptop\n🚚", "/w s", { id: "-x=1", title: "", files: [] });

    expect(spec.workerAgentId).toBe("ann/laptop\n🚚/-x=1");
  });

  it.each([
    ["no parent", ["", "/ws", task], "parent's agent id has 0 characters; expected 1 to 200"],
    ["no task", ["p", "/ws", undefined], "task is missing; expected an object"],
    ["no id", ["p", "/ws", { ...task, id: "" }], "task's id has 0 characters"],
    ["an id that is a number", ["p", "/ws", { ...task, id: 7 }], "task's id is of type number; expected text"],
    ["a parent that is too long", ["p".repeat(201), "/ws", task], "parent's agent id has 201 characters"],
    [
      "a worker's id that is too long",
      ["p".repeat(190), "/ws", task],
      "which is the parent's with the task's, has 205",
    ],
    ["a NUL", ["p\0", "/ws", task], "holds a NUL"],
    ["half a surrogate pair", ["p", "/ws", { ...task, title: "\ud83d" }], "title holds half a surrogate pair"],
    ["no title", ["p", "/ws", { id: "1", files: [] }], "title is missing"],
    ["a relative workspace", ["p", "ws", task], 'workspace is "ws"; expected an absolute path'],
    ["no files", ["p", "/ws", { id: "1", title: "" }], "list of files is none"],
    ["a file without a name", ["p", "/ws", { ...task, files: [""] }], "file has no name"],
    ["a file that is none", ["p", "/ws", { ...task, files: [null] }], "file is of type object"],
  ])("is refused for %s", (_what, given, message) => {
    expect(() => buildSpec(...(given as Parameters<typeof buildSpec>))).toThrow(
      expect.objectContaining({ code: "invalid_input", message: expect.stringContaining(message) }),
    );
  });
});

describe("a worker's command line", () => {
  const spec = buildSpec("planner", "/ws", { ...task, id: "0190163d-8694-739b-aea5-966c26f8ad91" });

  it("has the names of the spec, and the workspace as its directory", () => {
    expect(buildWorkerCommand("/bin/worker", spec)).toEqual({
      command: "/bin/worker",
      args: [
        "tasks",
        "dispatch",
        "worker",
        "--task-id=0190163d-8694-739b-aea5-966c26f8ad91",
        "--task-thread=0190163d-8694-739b-aea5-966c26f8ad91",
        "--worker-agent-id=planner/0190163d-8694-739b-aea5-966c26f8ad91",
      ],
      cwd: "/ws",
    });
  });

  it.each(["", "a\0b"])("is refused without a program: %j", (bin) => {
    expect(() => buildWorkerCommand(bin, spec)).toThrow(expect.objectContaining({ code: "invalid_input" }));
  });
});
