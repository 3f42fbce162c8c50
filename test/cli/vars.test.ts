import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { builtCli } from "../harness/built-cli.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";

const box = perTest(createSandbox);

const get = async (...args: string[]) => {
  const { code, stdout } = await box.cli(["vars", "get", ...args]);
  return [code, stdout];
};

describe("variables", () => {
  it("are set from an argument, a file or standard input, and printed as they are", async () => {
    writeFileSync(box.path("value"), "from a\nfile");
    await box.cli(["vars", "set", "argument", "plain"]);
    await box.cli(["vars", "set", "file", "--file", "value"]);
    await box.cli(["vars", "set", "input", "--scope", "other"], { input: "typed 🦀" });

    expect(await get("argument")).toEqual([0, "plain\n"]);
    expect(await get("file")).toEqual([0, "from a\nfile\n"]);
    expect(await get("input", "--scope", "other")).toEqual([0, "typed 🦀\n"]);
  });

  it("that are not there leave with 3, or print the default", async () => {
    const { code, stderr } = await box.cli(["vars", "get", "nothing"]);

    expect(code).toBe(3);
    expect(stderr).toContain('There is no variable "nothing" in root. (variable_not_found)');
    expect(await get("nothing", "--default", "d")).toEqual([0, "d\n"]);
    expect((await box.cli(["vars", "rm", "nothing"])).code).toBe(0);
  });

  it("are set once by whoever asks first with --if-absent", async () => {
    const asked = Array.from({ length: 6 }, (_, i) => box.cli(["vars", "set", "lock", `${i}`, "--if-absent"]));
    const codes = (await Promise.all(asked)).map(({ code }) => code).sort();

    expect(codes).toEqual([0, 4, 4, 4, 4, 4]);
  });

  it("are counted by several processes without losing an addition", async () => {
    await Promise.all(Array.from({ length: 8 }, () => box.cli(["vars", "incr", "n", "--by", "3"])));

    expect(await get("n")).toEqual([0, "24\n"]);
  });

  it("are compared and set by revision", async () => {
    const { revision } = await box.json<OutputOf<"vars.set">>(["vars", "set", "k", "1"]);

    expect((await box.cli(["vars", "cas", "k", "2", "--rev", `${revision}`])).code).toBe(0);
    expect((await box.cli(["vars", "cas", "k", "3", "--rev", `${revision}`])).code).toBe(4);
    expect(await get("k")).toEqual([0, "2\n"]);
  });

  it("are checked when they are to be JSON, and refused when they are no text", async () => {
    expect((await box.cli(["vars", "set", "j", '{"a":1}', "--json-value"])).code).toBe(0);
    expect((await box.cli(["vars", "set", "j", "{", "--json-value"])).code).toBe(2);
    writeFileSync(box.path("bytes"), Uint8Array.of(0xff, 0xfe));
    expect((await box.cli(["vars", "set", "b", "--file", "bytes"])).code).toBe(2);
    expect(await get("j")).toEqual([0, '{"a":1}\n']);
  });

  it("of a run are seen by what it executes, hide what is above, and go with it", async () => {
    await box.cli(["vars", "set", "color", "blue"]);
    const script = `node '${builtCli()}' vars set color red; node '${builtCli()}' vars get color; node '${builtCli()}' vars get color --scope root`;
    box.work("inside", script);

    const { code, stdout } = await box.cli(["run", "inside"]);

    expect([code, stdout]).toEqual([0, "red\nblue\n"]);
    const { variables } = await box.json<OutputOf<"vars.list">>(["vars", "list"]);
    expect(variables.map((v) => [v.key, v.value, v.origin])).toEqual([["color", "blue", "root"]]);
    expect((await box.json<OutputOf<"store.info">>(["store", "info"])).rows.variables).toBe(1);
  });

  it("are seen by a run below the run that set them", async () => {
    box.work("inner", `node '${builtCli()}' vars get token`);
    box.work(
      "outer",
      `node '${builtCli()}' vars set token shared; node '${builtCli()}' run '${box.path("inner")}' --machine right 2>/dev/null`,
    );
    box.machines({ left: {}, right: {} });

    const { code, stdout } = await box.cli(["run", "outer", "--machine", "left"]);

    expect([code, stdout]).toEqual([0, "shared\n"]);
    const { runs } = await box.json<OutputOf<"runs.list">>(["runs", "list"]);
    expect(runs.map((run) => run.parent_run_id)).toEqual([runs[1]?.id, undefined]);
  });
});
