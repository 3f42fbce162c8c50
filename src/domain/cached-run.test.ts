import { describe, expect, it } from "vitest";
import { type CommandInputs, canonicalInputs } from "./cached-run.js";

const inputs = (over: Partial<CommandInputs> = {}): CommandInputs => ({
  argv: ["make", "all"],
  files: [
    { path: "a", hash: "1" },
    { path: "b", hash: "2" },
  ],
  texts: ["x", "y"],
  ...over,
});

describe("canonicalInputs", () => {
  it("is the same whatever the order in which the files were found", () => {
    expect(canonicalInputs(inputs({ files: inputs().files.toReversed() }))).toBe(canonicalInputs(inputs()));
  });

  it.each<[string, Partial<CommandInputs>]>([
    ["another command", { argv: ["make", "one"] }],
    ["arguments cut elsewhere", { argv: ["make all"] }],
    ["another content", { files: [inputs().files[0] ?? { path: "", hash: "" }, { path: "b", hash: "3" }] }],
    ["another name", { files: [inputs().files[0] ?? { path: "", hash: "" }, { path: "c", hash: "2" }] }],
    ["a file less", { files: inputs().files.slice(0, 1) }],
    ["another text", { texts: ["x", "z"] }],
    ["texts in another order", { texts: ["y", "x"] }],
    ["a text that is an argument elsewhere", { argv: ["make", "all", "x"], texts: ["y"] }],
  ])("differs for %s", (_what, over) => {
    expect(canonicalInputs(inputs(over))).not.toBe(canonicalInputs(inputs()));
  });
});
