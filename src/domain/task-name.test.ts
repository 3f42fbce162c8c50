import { describe, expect, it } from "vitest";
import { nameOf, nameTag } from "./task-name.js";

describe("a task's name", () => {
  it("is read back from its tags, whatever else they say", () => {
    expect(nameOf(["ci", ...nameTag("build"), "name:other"])).toBe("build");
    expect(nameOf(["ci"])).toBeNull();
  });

  it("is the first line of a text, its beginning when that is long, and none when it is empty", () => {
    expect(nameTag(" two words \nand more")).toEqual(["name:two words"]);
    expect(nameTag("x".repeat(80))).toEqual([`name:${"x".repeat(80)}`]);
    expect(nameTag("x".repeat(81))).toEqual([`name:${"x".repeat(79)}…`]);
    expect(nameTag(" \n ")).toEqual([]);
  });
});
