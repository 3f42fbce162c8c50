import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { createSandbox, type Sandbox } from "../harness/sandbox.js";

let box: Sandbox;
beforeAll(() => {
  box = createSandbox();
  box.machines({ wide: { slots: 8 } });
});
afterAll(() => box.dispose());

const recorded = async () => (await box.json<OutputOf<"runs.list">>(["runs", "list", "--ref", "refused"])).runs.length;

describe("a directory that cannot be run", () => {
  const refusals: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["is not there", ["run", "refused"], /refused.*\(invalid_tree\)/],
    ["is a file", ["run", "refused-file"], /refused-file.*\(invalid_tree\)/],
    ["links out of itself", ["run", "refused-link"], /out.*\(invalid_tree\)/],
    ["links to an absolute path", ["run", "refused-absolute"], /abs.*\(invalid_tree\)/],
    ["has no run.sh", ["run", "refused-bare"], /"run\.sh" in refused-bare\. \(entrypoint_missing\)/],
    ["has a directory as its entrypoint", ["run", "refused-bare", "--entrypoint", "sub"], /\(entrypoint_missing\)/],
    ["is given an absolute entrypoint", ["run", "refused-bare", "--entrypoint", "/bin/sh"], /\(entrypoint_missing\)/],
    [
      "is given an entrypoint outside",
      ["run", "refused-bare", "--entrypoint", "sub/../../x"],
      /\(entrypoint_missing\)/,
    ],
  ];

  beforeAll(() => {
    writeFileSync(box.path("refused-file"), "");
    symlinkSync("../refused-file", `${box.work("refused-link", "exit 0")}/out`);
    symlinkSync("/etc/passwd", `${box.work("refused-absolute", "exit 0")}/abs`);
    mkdirSync(box.path("refused-bare/sub"), { recursive: true });
  });

  it.each(refusals)("because it %s is refused with exit 2, and nothing is recorded", async (_why, args, message) => {
    const { code, stdout, stderr } = await box.cli([...args, "--ref", "refused"]);

    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
    expect(await recorded()).toBe(0);
  });
});

describe("a directory", () => {
  it("of 10,000 files arrives whole", async () => {
    const dir = box.work("many", "find . -type f | wc -l");
    for (let folder = 0; folder < 100; folder += 1) {
      mkdirSync(`${dir}/d${folder}`);
      for (let file = 0; file < 100; file += 1) writeFileSync(`${dir}/d${folder}/${file}`, `${folder}/${file}`);
    }

    expect((await box.cli(["run", "many"])).stdout.trim()).toBe("10001");
  });

  it("arrives with names of spaces, newlines, quotes and bytes that are no UTF-8", async () => {
    const names = [" lead and trail ", "new\nline", "quo'te\"s", "-rf", "*", "tab\t", "\\back", "ünï"].map((n) =>
      Buffer.from(n),
    );
    names.push(Buffer.from([0x62, 0xff, 0xfe, 0x80]));
    const dir = box.work(
      "names",
      'for f in ./* ; do [ "$f" = ./run.sh ] || { printf \'%s\\0\' "$f"; cat "$f"; }; done',
    );
    for (const name of names) writeFileSync(Buffer.concat([Buffer.from(`${dir}/`), name]), "\0");
    const result = await box.cli(["run", "names"]);
    const arrived = result.bytes.toString("latin1").split("\0").filter(Boolean).sort();

    expect(result.code).toBe(0);
    expect(arrived).toEqual(names.map((n) => `./${n.toString("latin1")}`).sort());
  });

  it("whose own name has spaces and quotes is run like any other", async () => {
    const name = 'it\'s a "dir" $HOME';
    box.work(name, "echo fine");

    expect((await box.cli(["run", name])).stdout).toBe("fine\n");
  });

  it("keeps links that stay inside, execute bits and empty folders", async () => {
    const script = '[ "$(readlink link)" = data ] && cat link && [ -x run.sh ] && [ ! -x data ] && [ -d empty ]';
    const dir = box.work("kinds", script, { data: "linked" });
    symlinkSync("data", `${dir}/link`);
    mkdirSync(`${dir}/empty`);

    expect(await box.cli(["run", "kinds"])).toMatchObject({ stdout: "linked", code: 0 });
  });

  it("is not written to by what runs", async () => {
    const dir = box.work("writes", "echo changed > data; rm run.sh; cat data", { data: "mine" });

    expect((await box.cli(["run", "writes"])).stdout).toBe("changed\n");
    expect((await box.cli(["run", dir])).stdout).toBe("changed\n");
  });

  it("leaves out .git and what .waybillignore names", async () => {
    box.work("ignoring", "ls -A | sort", {
      ".waybillignore": "*.o\nbuild/\n",
      "a.o": "",
      "build/x": "",
      ".git/x": "",
      kept: "",
    });

    expect((await box.cli(["run", "ignoring"])).stdout).toBe(".waybillignore\nkept\nrun.sh\n");
  });
});
