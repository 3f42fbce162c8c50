import { describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { gateIn } from "./gate.js";

const box = perTest(createSandbox);

describe("`runs logs --grep`", () => {
  it("prints the lines that match, byte for byte, with the lines around them", async () => {
    box.work("talk", "printf 'one\\ntwo \\377\\nthree\\nfour\\n'");
    const { run } = await box.json<OutputOf<"runs.submit">>(["run", "talk"]);
    const logs = async (...args: string[]) => (await box.cli(["runs", "logs", run.id, ...args])).bytes;

    expect(await logs("--grep", "^tw")).toEqual(Buffer.from("two \xff\n", "latin1"));
    expect(await logs("--grep", "tw", "--context", "1")).toEqual(Buffer.from("one\ntwo \xff\nthree\n", "latin1"));
    expect(await logs("--grep", "o", "--tail", "1")).toEqual(Buffer.from("four\n"));
    expect(await logs("--grep", "nothing")).toEqual(Buffer.alloc(0));
  });

  it("follows a run that goes on", async () => {
    const gate = gateIn(box, "talk");
    box.work("talk", `echo wanted 1; echo other; ${gate.script}\necho wanted 2`);
    const { run } = await box.json<OutputOf<"runs.submit">>(["run", "talk", "--detach"]);
    await gate.reached();
    const following = box.cli(["runs", "logs", run.id, "--follow", "--grep", "wanted"]);
    gate.open();

    expect((await following).stdout).toBe("wanted 1\nwanted 2\n");
  });

  it("refuses what is no expression, and context of nothing", async () => {
    box.work("talk", "echo hello");
    const { run } = await box.json<OutputOf<"runs.submit">>(["run", "talk"]);

    expect(await box.cli(["runs", "logs", run.id, "--grep", "("])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--grep is no regular expression"),
    });
    expect((await box.cli(["runs", "logs", run.id, "--context", "2"])).code).toBe(2);
  });
});
