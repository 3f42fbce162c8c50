import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { WAIT_FOR_CONTACT } from "../domain/contact-policy.js";
import { formatDuration } from "../domain/duration.js";
import { WaybillError } from "../domain/errors.js";
import { canonicalPlan } from "../domain/plan.js";
import { parsePlan } from "./plan-file.js";

const parse = (text: string) => parsePlan(new TextEncoder().encode(text), "plan.yaml");

function refusalOf(text: string): WaybillError {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof WaybillError) return error;
    throw error;
  }
  throw new Error("The plan was accepted.");
}

/** The problems of a plan with one entry that has `fields` in addition to the least. */
const problemsWith = (fields: string) => {
  const text = `version: 1\nentries:\n  - { name: a, dir: d, tag: t, ${fields} }`;
  return refusalOf(text).message.split("\n").slice(1);
};

describe("a plan file", () => {
  it("is read with its defaults filled in", () => {
    expect(parse("version: 1\nentries: [{ name: unit, dir: tests/unit, machine: left }]")).toEqual({
      version: 1,
      entries: [
        {
          name: "unit",
          dir: "tests/unit",
          selector: { machine: "left" },
          timeoutMs: null,
          silenceMs: null,
          entrypoint: null,
          env: {},
          retries: 0,
          onUnreachable: WAIT_FOR_CONTACT,
        },
      ],
    });
  });

  it("is read with everything that an entry can say", () => {
    const text = `
version: 1
entries:
  - name: smoke
    dir: ./tests
    tag: gpu
    timeout: 1h30m
    silence_timeout: 90s
    entrypoint: bin/go.sh
    retries: 10
    on_unreachable: replace_after 1h
    on_return: keep_replacement
    env: { A: text, N: 1.5, B: true, E: "", T: { from_env: TOKEN }, __proto__: x }
`;

    const entry = parse(text).entries[0];

    expect(entry).toMatchObject({ selector: { tag: "gpu" }, timeoutMs: 5_400_000, silenceMs: 90_000, retries: 10 });
    expect(entry?.entrypoint).toBe("bin/go.sh");
    const replaced = { action: "replace_after", afterMs: 3_600_000, onReturn: "keep_replacement" };
    expect(entry?.onUnreachable).toEqual(replaced);
    expect(Object.entries(entry?.env ?? {})).toEqual([
      ["A", "text"],
      ["N", "1.5"],
      ["B", "true"],
      ["E", ""],
      ["T", { fromEnv: "TOKEN" }],
      ["__proto__", "x"],
    ]);
  });

  it("has all of its faults told at once, each with its line, column and path", () => {
    const error = refusalOf(`version: 1
entries:
  - name: a
    dir: x
    machin: left
  - { name: a, dir: x, tag: t, timeout: 30 }
`);

    expect(error.code).toBe("invalid_plan");
    expect(error.message.split("\n")).toEqual([
      "plan.yaml has 4 problems:",
      "plan.yaml:3:5 neither machine nor tag (machine: NAME for one machine, tag: TAG for any that carries it)",
      'plan.yaml:5:5 unknown key "machin" (did you mean "machine"?)',
      'plan.yaml:6:13 repeated name "a", already given to entry 1 (names of entries are unique)',
      "plan.yaml:6:41 expected a duration such as 90s, 30m or 1h30m, found the number 30 (write a unit: 30s)",
    ]);
    expect(error.details.problems).toContainEqual({
      line: 5,
      column: 5,
      path: "entries[0].machin",
      message: 'unknown key "machin"',
      hint: 'did you mean "machine"?',
    });
  });

  it.each(["", "# nothing but a comment\n", "version: 1\nentries: []", "version: 1\nentries:\n"])(
    "without an entry is an empty plan: %j",
    (text) => {
      expect(refusalOf(text).code).toBe("empty_plan");
    },
  );

  it.each([
    ["[]", "plan.yaml:1:1 expected a map, found a list"],
    ["version: 2\nentries: [{ name: a, dir: d, tag: t }]", "plan.yaml:1:10 expected 1, found the number 2"],
    ["entries: [{ name: a, dir: d, tag: t }]", 'plan.yaml:1:1 missing key "version"'],
    ["version: 1", 'plan.yaml:1:1 missing key "entries"'],
    ["version: 1\nentries: [5]", "plan.yaml:2:11 expected a map, found the number 5"],
    ["version: 1\nentries: { a: 1 }", "plan.yaml:2:10 expected a list, found a map"],
  ])("is refused as a whole: %j", (text, line) => {
    expect(refusalOf(text).message.split("\n")).toContain(line);
  });

  it.each([
    ["machine: left", "plan.yaml:3:24 both machine and tag (keep one of the two)"],
    ["timeout: 0s", 'expected a duration such as 90s, 30m or 1h30m, found "0s"'],
    ["silence_timeout: soon", 'found "soon"'],
    ["timeout: ", "found nothing"],
    ["on_unreachable: stop_after 1s", 'expected "wait", "stop_after 10m" or "replace_after 1h", with at least 10s'],
    ["retries: 11", "expected at most 10, found the number 11"],
    ["retries: -1", "expected at least 0, found the number -1"],
    ["retries: 1.5", "expected a whole number, found the number 1.5"],
    ["entrypoint: /bin/sh", 'relative to it, found "/bin/sh"'],
    ["entrypoint: a/../../b", 'relative to it, found "a/../../b"'],
    ["entrypoint: bin/", 'relative to it, found "bin/"'],
    ["env: { 1A: x }", '"1A" is not a variable\'s name'],
    ["env: { WAYBILL_HOME: x }", "WAYBILL_HOME cannot be set"],
    ["env: { A: [x] }", "expected text, a number, true, false or { from_env: NAME }, found a list"],
    ["env: { A: { from_evn: B } }", 'unknown key "from_evn" (did you mean "from_env"?)'],
    ["env: { A: { from_env: 1 } }", "expected a variable's name, found the number 1"],
    ["env: { A: {} }", "found a map"],
    ['env: { A: "a\\0b" }', "a NUL byte, which no environment can hold"],
    ["env: [A]", "expected a map of names to values, found a list"],
  ])("is refused for an entry with %s", (fields, problem) => {
    expect(problemsWith(fields).join("\n")).toContain(problem);
  });

  it.each(["a/b", ".", "..", '""', '"a\\nb"', '"\\u007f"'])("is refused for an entry named %s", (name) => {
    expect(refusalOf(`version: 1\nentries: [{ name: ${name}, dir: d, tag: t }]`).code).toBe("invalid_plan");
  });
});

/** What an author may write, with the freedom that YAML gives. */
const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
const authored = fc.record(
  {
    name: word,
    dir: word,
    tag: word,
    timeout: fc.integer({ min: 1, max: 1e9 }).map(formatDuration),
    retries: fc.nat(10),
    env: fc.dictionary(fc.stringMatching(/^[A-V_][A-Z]{0,4}$/), fc.oneof(word, fc.nat(), fc.boolean())),
  },
  { requiredKeys: ["name", "dir", "tag"] },
);
const anyPlan = fc.uniqueArray(authored, { minLength: 1, maxLength: 5, selector: (entry) => entry.name });

const inOrder = (fields: object, rank: (key: string) => number) =>
  Object.fromEntries(Object.entries(fields).sort(([a], [b]) => rank(a) - rank(b)));

describe("the canonical text of a plan file", () => {
  it("does not depend on white space, comments, the order of keys, or block and flow style", () => {
    fc.assert(
      fc.property(anyPlan, fc.func(fc.integer()), fc.nat(6), fc.boolean(), (entries, rank, indent, flow) => {
        const plain = stringify({ version: 1, entries });
        const shuffled = { entries: entries.map((entry) => inOrder(entry, rank)), version: 1 };
        const text = stringify(shuffled, { indent: indent + 1, collectionStyle: flow ? "flow" : "block" });
        const styled = `# a comment\n\n${text.replaceAll("\n", "   # why\r\n")}\n\n`;
        expect(canonicalPlan(parse(styled))).toBe(canonicalPlan(parse(plain)));
      }),
    );
  });

  it("does not depend on how a duration or a value of the environment is spelt", () => {
    const entry = (timeout: string, value: string) =>
      canonicalPlan(
        parse(`version: 1\nentries: [{ name: a, dir: d, tag: t, timeout: ${timeout}, env: { A: ${value} } }]`),
      );

    expect(entry("90s", "1")).toBe(entry("1m30s", '"1"'));
    expect(entry("90s", "1")).not.toBe(entry("91s", "1"));
  });
});
