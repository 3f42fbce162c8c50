import { describe, expect, it } from "vitest";
import { WaybillError } from "../domain/errors.js";
import { parseTaskPlan } from "./task-plan-file.js";

const parse = (text: string) => parseTaskPlan(new TextEncoder().encode(text), "plan.yaml");

function refusalOf(text: string): WaybillError {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof WaybillError) return error;
    throw error;
  }
  throw new Error("The plan was accepted.");
}

const problemsOf = (text: string): string[] => refusalOf(text).message.split("\n").slice(1);
/** The problems of a plan with one task that has `fields` in addition to the least. */
const problemsWith = (fields: string): string[] =>
  problemsOf(`version: 1\ntasks:\n  - { name: a, type: t, ${fields} }`);

describe("a plan of tasks", () => {
  it("is read with its defaults filled in", () => {
    expect(parse("version: 1\ntasks: [{ name: build, type: command }]")).toEqual({
      key: null,
      tasks: [
        {
          ...{ name: "build", type: "command", params: {}, priority: 0, tags: [], after: [], paths: [] },
          ...{ maxAttempts: null, timeoutMs: null, deadlineMs: null, delayMs: null, runAt: null },
          concurrencyKey: null,
        },
      ],
    });
  });

  it("is read with all that it may say", () => {
    const { key, tasks } = parse(`version: 1
key: release
tasks:
  - name: ship
    type: deploy
    params: { to: [eu, us] }
    priority: 5
    tags: [ci]
    after: [build, { name: lint, outcome: ended }]
    paths: { read: [docs/], write: ["src/**"], space: shop }
    max_attempts: 2
    timeout: 30m
    deadline: 2h
    delay: 90s
    concurrency_key: eu
  - { name: build, type: make, at: "2030-01-01T00:00:00Z" }
  - { name: lint, type: make, params: 7 }
`);

    expect(key).toBe("release");
    expect(tasks[0]).toEqual({
      ...{ name: "ship", type: "deploy", params: { to: ["eu", "us"] }, priority: 5, tags: ["ci"] },
      after: [
        { name: "build", outcome: "completed" },
        { name: "lint", outcome: "ended" },
      ],
      paths: [
        { mode: "read", space: "shop", pattern: "docs/**" },
        { mode: "write", space: "shop", pattern: "src/**" },
      ],
      ...{ maxAttempts: 2, timeoutMs: 1_800_000, deadlineMs: 7_200_000, delayMs: 90_000, runAt: null },
      concurrencyKey: "eu",
    });
    expect(tasks[1]?.runAt).toBe(Date.parse("2030-01-01T00:00:00Z"));
    expect(tasks[2]?.params).toBe(7);
  });

  it.each(["", "version: 1\ntasks:", "version: 1\ntasks: []"])("is refused when it has no task: %j", (text) => {
    expect(refusalOf(text).code).toBe("empty_plan");
  });

  it("is refused with every fault at its place", () => {
    expect(
      problemsOf(`version: 2
tasks:
  - { name: a, typ: t }
  - { name: b, type: t, after: [c, { name: a, outcom: ended }, { name: a, outcome: done }, 7] }
  - { name: b, type: t }
`),
    ).toEqual([
      "plan.yaml:1:10 expected 1, found the number 2",
      'plan.yaml:3:5 missing key "type"',
      'plan.yaml:3:16 unknown key "typ" (did you mean "type"?)',
      'plan.yaml:4:33 no task is named "c" (did you mean "a"?)',
      'plan.yaml:4:47 unknown key "outcom" (did you mean "outcome"?)',
      'plan.yaml:4:84 expected completed or failed or ended, found "done"',
      "plan.yaml:4:92 expected a map, found the number 7",
      'plan.yaml:5:13 repeated name "b", already given to task 2 (names of tasks are unique in a plan)',
    ]);
  });

  it("is refused when tasks wait for each other in a circle, which is named", () => {
    const text = `version: 1
tasks:
  - { name: a, type: t }
  - { name: b, type: t, after: [a, d] }
  - { name: c, type: t, after: [b] }
  - { name: d, type: t, after: [c] }
`;

    expect(problemsOf(text)).toEqual([
      'plan.yaml:4:32 "b" waits for itself: b after d after c after b (leave one of them out)',
    ]);
    expect(problemsWith("after: [a]")).toEqual([
      'plan.yaml:3:32 "a" waits for itself: a after a (leave one of them out)',
    ]);
  });

  it.each([
    ["timeout: 30", "expected a duration such as 90s, 30m or 1h30m, found the number 30 (write a unit: 30s)"],
    ["delay: 1m, at: 2030-01-01", "both delay and at (keep one of the two)"],
    ["at: soon", 'expected a time such as "2026-11-21T14:02:00Z", found "soon"'],
    ["params: { a: [1, .inf] }", "Infinity cannot be stored as JSON (write it as text, in quotes)"],
    ["params: .nan", "NaN cannot be stored as JSON (write it as text, in quotes)"],
    ["priority: high", 'expected a number, found "high"'],
    ["max_attempts: 0", "expected at least 1, found the number 0"],
    ['tags: [""]', 'expected text, found ""'],
    ["after: build", 'expected a list, found "build"'],
    ["paths: [src]", "expected a map, found a list"],
    ["paths: { writes: [src] }", 'unknown key "writes" (did you mean "write"?)'],
  ])("is refused for %s", (fields, problem) => {
    expect(problemsWith(fields).map((line) => line.replace(/^\S+ /, ""))).toEqual([problem]);
  });

  it("is refused for a path that leaves the repository, at that path", () => {
    expect(problemsWith("paths: { write: [src, ../etc] }")[0]).toMatch(
      /^plan\.yaml:3:47 The path "\.\.\/etc" leaves the repository\. \(Give a path/,
    );
  });

  it("is refused for what is no plan at all, without a word about its tasks", () => {
    expect(problemsOf("- a")).toEqual(["plan.yaml:1:1 expected a map, found a list"]);
    expect(problemsOf("version: 1\ntasks: [a, 7]")).toEqual([
      'plan.yaml:2:9 expected a map, found "a"',
      "plan.yaml:2:12 expected a map, found the number 7",
    ]);
  });
});
