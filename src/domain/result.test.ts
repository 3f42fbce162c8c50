import { describe, expect, it } from "vitest";
import { describeLoss, judgeResult, LONGEST_RESULT, RESULT_KINDS, readResult, toResult } from "./result.js";

const done = { v: 2, kind: "success", summary: "done" };
const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);

describe("a worker's result", () => {
  it("is read with all of its fields, as a copy", () => {
    const given = {
      ...done,
      branch: "b",
      rev: "r",
      artifacts: [{ type: "git", branch: "b", sizes: [1, null, true] }],
      substrate: { fault: "commit-failed", error: "" },
      usage: { tokens: 7, model: "m" },
      followups: [{ title: "more", weight: { a: 1 } }],
    };
    const reading = readResult(given);

    expect(reading).toEqual({ ok: true, result: given });
    given.artifacts.length = 0;
    expect(reading).toMatchObject({ result: { artifacts: [{ type: "git" }] } });
  });

  it("keeps fields that are not known here", () => {
    expect(readResult({ ...done, task: "t", attempt: 3 })).toEqual({
      ok: true,
      result: { ...done, task: "t", attempt: 3 },
    });
  });

  it("takes an object without a prototype", () => {
    expect(readResult(Object.assign(Object.create(null), done))).toEqual({ ok: true, result: done });
  });

  it("leaves out what says nothing: null, undefined, an empty branch, a fault without words", () => {
    const empty = { branch: "", rev: null, usage: undefined, substrate: { fault: "", error: null } };

    expect(readResult({ ...done, ...empty })).toEqual({ ok: true, result: done });
  });

  it("fills up a fault of which one half is said", () => {
    expect(readResult({ ...done, substrate: { error: "x" } })).toMatchObject({
      result: { substrate: { fault: "", error: "x" } },
    });
    expect(readResult({ ...done, substrate: { fault: "x" } })).toMatchObject({
      result: { substrate: { fault: "x", error: "" } },
    });
  });

  it.each([
    ["nothing", undefined, "is nothing; expected a JSON object"],
    ["a list", [], "is a list; expected a JSON object"],
    ["a number", 3, "is the number 3; expected a JSON object"],
    ["a date", new Date(0), "is an object; expected a JSON object"],
    ["another version", { ...done, v: 1 }, "v is the number 1; expected 2"],
    ["no kind", { v: 2, summary: "" }, "kind is nothing; expected one of success, fork"],
    ["an unknown kind", { ...done, kind: "Success" }, 'kind is "Success"; expected one of success'],
    ["a long kind", { ...done, kind: "x".repeat(50) }, `kind is "${"x".repeat(40)}…"; expected`],
    ["no summary", { v: 2, kind: "fail" }, "summary is nothing; expected text"],
    ["a branch that is no text", { ...done, branch: 3 }, "branch is the number 3; expected text"],
    ["artifacts that are no list", { ...done, artifacts: {} }, "artifacts is an object; expected a list"],
    ["an artifact that is no object", { ...done, artifacts: ["x"] }, "artifacts has an item [0] without type"],
    ["an artifact without type", { ...done, artifacts: [{ type: "a" }, {}] }, "has an item [1] without type"],
    ["a follow-up with an empty title", { ...done, followups: [{ title: "" }] }, "has an item [0] without title"],
    ["a fault that is text", { ...done, substrate: "x" }, 'substrate is "x"; expected an object'],
    ["a fault of numbers", { ...done, substrate: { fault: 1 } }, "substrate has the fault the number 1"],
    ["usage that is a list", { ...done, usage: [] }, "usage is a list; expected an object"],
    ["usage that holds a list", { ...done, usage: { a: [] } }, "usage has a list as a; expected a number or text"],
    ["usage without end", { ...done, usage: { a: Number.NaN } }, "usage holds what JSON cannot"],
    ["a function", { ...done, other: () => 1 }, "other holds what JSON cannot"],
    ["too many levels", { ...done, other: nested(33) }, "nested more than 32 deep"],
    ["an object that JSON would change", { ...done, other: { at: new Map() } }, "other holds what JSON cannot"],
  ])("is refused when it is %s", (_what, value, reason) => {
    expect(readResult(value)).toEqual({ ok: false, reason: expect.stringContaining(reason) });
  });

  it("may be nested as deep as is said, and no longer than is said", () => {
    expect(readResult({ ...done, other: nested(32) }).ok).toBe(true);
    const room = LONGEST_RESULT - JSON.stringify({ ...done, summary: "" }).length;
    expect(readResult({ ...done, summary: "x".repeat(room) }).ok).toBe(true);
    expect(readResult({ ...done, summary: "x".repeat(room + 1) })).toMatchObject({
      ok: false,
      reason: expect.stringContaining("characters as JSON"),
    });
  });

  it("is made of what a caller says, or refused with the reason", () => {
    expect(toResult({ kind: "fork", summary: "" })).toEqual({ v: 2, kind: "fork", summary: "" });
    for (const wrong of [{ kind: "no", summary: "" }, null]) {
      expect(() => toResult(wrong as never)).toThrow(expect.objectContaining({ code: "invalid_result" }));
    }
  });
});

describe("what a result makes of its task", () => {
  it("is said for each kind", () => {
    expect(RESULT_KINDS.map((kind) => judgeResult({ kind }))).toEqual([
      "complete",
      "review",
      "again",
      "cancel",
      "answer",
    ]);
  });

  it("is lost when a failure is the infrastructure's, and only then", () => {
    const substrate = { fault: "killed", error: "" };

    expect(judgeResult({ kind: "fail", substrate })).toBe("lost");
    expect(judgeResult({ kind: "success", substrate })).toBe("complete");
  });

  it("tells a loss by the word for it, what was said about it, and the worker's own words, as far as there are any", () => {
    const substrate = { fault: "killed", error: "out of memory" };

    expect(describeLoss({ summary: "died", substrate })).toBe("killed: out of memory: died");
    expect(describeLoss({ summary: "", substrate: { fault: "", error: "no disk" } })).toBe("no disk");
    expect(describeLoss({ summary: "died" })).toBe("died");
  });
});
