import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LONGEST_RESULT, RESULT_KINDS, type ResultMessage, readResult } from "../domain/result.js";
import { formatResult, parseResult } from "./result-codec.js";

const MEGABYTE = 1024 * 1024;

/** As it comes out of a pipe on the other side. */
const throughUtf8 = (text: string): string => Buffer.from(text).toString();
const read = (message: ResultMessage) => parseResult(throughUtf8(formatResult(message)));

describe("the line of a result", () => {
  it.each<[ResultMessage, string]>([
    [{ kind: "success", summary: "done" }, "dispatch-result|success|done"],
    [{ kind: "success", summary: "" }, "dispatch-result|success|"],
    [{ kind: "fork", summary: "s", rev: "r" }, "dispatch-result|fork|s||r"],
    [{ kind: "fork", summary: "s", branch: "b", rev: "r" }, "dispatch-result|fork|s|b|r"],
    [
      { kind: "fail", summary: "s", substrate: { fault: "hub-unreachable", error: "" } },
      "dispatch-result|fail|s||||hub-unreachable",
    ],
    [{ kind: "fail", summary: "", substrate: { fault: "", error: "no route" } }, "dispatch-result|fail||||no route"],
    [{ kind: "success", summary: "żółć 🚚" }, "dispatch-result|success|żółć 🚚"],
  ])("is in the older format where that says it all: %j", (message, line) => {
    expect(formatResult(message)).toBe(line);
    expect(read(message)).toEqual({ ok: true, result: { v: 2, ...message } });
  });

  it.each<[string, ResultMessage]>([
    ["a | in the summary", { kind: "success", summary: "ran a | b" }],
    ["a | in a fault's error", { kind: "fail", summary: "s", substrate: { fault: "", error: "x|y" } }],
    ["several lines", { kind: "success", summary: "line1\nline2" }],
    ["a line end at the end", { kind: "success", summary: "line1\n" }],
    ["white space at an end", { kind: "success", summary: " s" }],
    ["a NUL", { kind: "success", summary: "a\0b" }],
    ["half a surrogate pair", { kind: "success", summary: "a\ud83db" }],
    ["line ends of other alphabets", { kind: "success", summary: "a\u2028b\u0085c" }],
    ["1 MB with a |", { kind: "fail", summary: "🚚|".repeat(MEGABYTE / 4) }],
    ["a question", { kind: "needs_input", summary: "which port?" }],
    ["a cancellation", { kind: "cancelled", summary: "" }],
    ["artifacts", { kind: "success", summary: "", artifacts: [{ type: "git", branch: "b" }] }],
    ["more about the fault", { kind: "fail", summary: "", substrate: { fault: "f", error: "", host: "h" } as never }],
  ])("is JSON where it has %s", (_what, message) => {
    const line = formatResult(message);

    expect(line).toMatch(/^\{"v":2,.*\}$/);
    expect(line).not.toMatch(/[\n\r\0\u0085\u2028]/);
    expect(read(message)).toEqual({ ok: true, result: { v: 2, ...message } });
  });

  it("of a megabyte stays in the older format when nothing speaks against it", () => {
    const message = { kind: "success", summary: "🚚".repeat(MEGABYTE / 4) } as const;

    expect(formatResult(message)).toMatch(/^dispatch-result\|/);
    expect(read(message)).toEqual({ ok: true, result: { v: 2, ...message } });
  });

  it.each([
    ["an unknown kind", { kind: "Success", summary: "" }],
    ["too long a summary", { kind: "success", summary: "x".repeat(LONGEST_RESULT) }],
    ["nothing", undefined],
  ])("is refused for %s", (_what, message) => {
    expect(() => formatResult(message as never)).toThrow(expect.objectContaining({ code: "invalid_result" }));
  });

  it("reads back to the same result whatever text stands in its fields, or is refused with a reason", () => {
    // Units of UTF-16 one by one: half pairs, NUL, line ends and separators all come up.
    const unit = fc.oneof(
      fc.constantFrom("|", "\n", "\r", "\0", "\u2028", "🚚", "\ud83d", "\udc00", " ", "dispatch-result|", "{"),
      fc.string({ unit: "binary" }),
    );
    const text = fc.array(unit, { maxLength: 12 }).map((parts) => parts.join(""));
    const long = fc.tuple(text, fc.integer({ min: 1, max: 20_000 })).map(([part, times]) => part.repeat(times));
    const field = fc.oneof({ weight: 20, arbitrary: text }, { weight: 1, arbitrary: long });
    const message = fc.record(
      {
        kind: fc.oneof(fc.constantFrom(...RESULT_KINDS), text),
        summary: field,
        branch: field,
        rev: field,
        substrate: fc.record({ fault: field, error: field }),
        usage: fc.dictionary(text, fc.oneof(fc.integer(), text)),
        artifacts: fc.array(fc.record({ type: text, at: fc.jsonValue({ maxDepth: 4 }) }), { maxLength: 2 }),
        more: field,
      },
      { requiredKeys: ["kind", "summary"] },
    );
    fc.assert(
      fc.property(message, (given) => {
        const expected = readResult({ v: 2, ...given });
        if (!expected.ok) {
          expect(expected.reason).toMatch(/^The result.+\.$/s);
          expect(() => formatResult(given as ResultMessage)).toThrow(expected.reason);
          return;
        }
        const line = formatResult(given as ResultMessage);
        expect(line).not.toMatch(/[\n\r]/);
        expect(parseResult(throughUtf8(line).trim())).toEqual(expected);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("a line from elsewhere", () => {
  it.each([
    ["dispatch-result|success|line1\nline2", { kind: "success", summary: "line1\nline2" }],
    ["dispatch-result|success|line1\n", { kind: "success", summary: "line1\n" }],
    ["dispatch-result|fork|s||r", { kind: "fork", summary: "s", rev: "r" }],
    ["dispatch-result|success|s|||", { kind: "success", summary: "s" }],
    [
      "dispatch-result|fail|s|b|r|e|f",
      { kind: "fail", summary: "s", branch: "b", rev: "r", substrate: { fault: "f", error: "e" } },
    ],
    ['{"v":2,"kind":"success","summary":"s"}', { kind: "success", summary: "s" }],
    [' \n{"v":2,"kind":"needs_input","summary":"?"}\n', { kind: "needs_input", summary: "?" }],
  ])("is read: %j", (line, result) => {
    expect(parseResult(line)).toEqual({ ok: true, result: { v: 2, ...result } });
  });

  it.each([
    ["dispatch-result|success|ran a | b", { summary: "ran a ", branch: " b" }],
    ["dispatch-result|fork|s|b|x y", { summary: "s", branch: "b", rev: "x y" }],
    ["dispatch-result|fail|s|b|r|x|y|z|9", { summary: "s", substrate: { error: "x", fault: "y" } }],
  ])("is read as its writer would, and in doubt where a field held the separator: %j", (line, result) => {
    expect(parseResult(line)).toMatchObject({
      ok: true,
      result,
      doubt: expect.stringContaining('the summary may have held a "|"'),
    });
  });

  it.each([
    ["dispatch-result|success", "no summary"],
    ["dispatch-result|", "no summary"],
    ["dispatch-result||x", 'kind is ""'],
    ["dispatch-result|Success|x", 'kind is "Success"'],
    ["dispatch-result| success|x", 'kind is " success"'],
    ["dispatch-result|needs_input|x", 'kind is "needs_input"'],
    [" dispatch-result|success|x", "begins neither"],
    ["dispatch-results|success|x", "begins neither"],
    ["dispatch-result", "begins neither"],
    ["", "begins neither"],
    ["all tests pass", "begins neither"],
    ['{"v":2', "no JSON"],
    ['{"v":1,"kind":"success","summary":""}', "v is the number 1; expected 2"],
    ['{"level":"info"}', "v is nothing; expected 2"],
  ])("is refused with the reason: %j", (line, reason) => {
    expect(parseResult(line)).toEqual({ ok: false, reason: expect.stringContaining(reason) });
  });
});
