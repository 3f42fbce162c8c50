import { execFileSync } from "node:child_process";
import { chmod, mkdir, readdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { freshDir, removeDir } from "../conformance/machine-bench.js";
import { localMachine } from "../local/local-fixture.js";
import { joinBytes } from "./byte-path.js";
import { freezeTree } from "./freeze-tree.js";
import { hashTree } from "./hash-tree.js";

let dir = "";
let trees = "";
let source = "";
let sources = 0;
beforeAll(async () => {
  dir = await freshDir();
  trees = join(dir, "trees");
});
beforeEach(async () => {
  sources += 1;
  source = join(dir, `source-${sources}`);
  await mkdir(join(source, "sub"), { recursive: true });
  await writeFile(join(source, "run.sh"), "echo hi\n");
  await writeFile(join(source, "sub", "data"), "data");
});
afterAll(() => removeDir(dir));

const freeze = () => freezeTree(source, trees);
const hash = async () => (await freeze()).hash;

describe("freezing a tree", { timeout: 60_000 }, () => {
  it("copies it under its hash, and finds the copy the next time", async () => {
    const frozen = await freeze();
    expect(frozen).toMatchObject({ path: join(trees, frozen.hash), files: 2, bytes: 12 });
    expect(await readFile(join(frozen.path, "sub", "data"), "utf8")).toBe("data");
    expect(await freeze()).toEqual(frozen);
    expect((await readdir(trees)).filter((name) => name.startsWith(".tmp"))).toEqual([]);
  });

  it("is not moved by later edits of the original", async () => {
    const frozen = await freeze();
    await writeFile(join(source, "sub", "data"), "edited");
    expect(await readFile(join(frozen.path, "sub", "data"), "utf8")).toBe("data");
    expect(await hash()).not.toBe(frozen.hash);
  });

  it("lets content, names, deletions, empty directories, links and the execute bit count, and times not", async () => {
    const first = await hash();
    await utimes(join(source, "run.sh"), 1, 1);
    await chmod(join(source, "run.sh"), 0o644);
    expect(await hash()).toBe(first);
    await chmod(join(source, "run.sh"), 0o755);
    const executable = await hash();
    await mkdir(join(source, "empty"));
    const withEmpty = await hash();
    await symlink("run.sh", join(source, "link"));
    const withLink = await hash();
    await rm(join(source, "sub", "data"));
    const deleted = await freeze();
    expect(new Set([first, executable, withEmpty, withLink, deleted.hash]).size).toBe(5);
    expect((await readdir(deleted.path)).sort()).toEqual(["empty", "link", "run.sh", "sub"]);
    expect(await readdir(join(deleted.path, "sub"))).toEqual([]);
  });

  it("leaves out .git and what .waybillignore names, in git's syntax", async () => {
    await mkdir(join(source, ".git"));
    await writeFile(join(source, ".git", "HEAD"), "x");
    await mkdir(join(source, "build", "deep"), { recursive: true });
    await writeFile(join(source, "build", "deep", "out"), "x");
    await writeFile(join(source, "a.log"), "x");
    await writeFile(join(source, "keep.log"), "x");
    await writeFile(join(source, ".waybillignore"), "# comment\nbuild/\n*.log\n!keep.log\n");
    const frozen = await freeze();
    expect((await readdir(frozen.path)).sort()).toEqual([".waybillignore", "keep.log", "run.sh", "sub"]);
  });

  it("keeps names with spaces, newlines and bytes that are not UTF-8", async () => {
    const names = ["a b", "new\nline", "raw\xff\xfe"].map((name) => Buffer.from(name, "latin1"));
    for (const name of names) await writeFile(joinBytes(source, name), name);
    const frozen = await freeze();
    for (const name of names) expect(await readFile(joinBytes(frozen.path, name))).toEqual(name);
    expect((await hashTree(frozen.path, { ignoring: false })).hash).toBe(frozen.hash);
  });

  it("refuses links that leave the tree, naming them", async () => {
    for (const [name, target] of [
      ["absolute", "/etc/passwd"],
      ["up", "../outside"],
      ["sub/deep", "../../outside"],
    ] as const) {
      await symlink(target, join(source, name));
      await expect(freeze()).rejects.toMatchObject({ code: "invalid_tree", details: { path: name } });
      await rm(join(source, name));
    }
    await symlink("../run.sh", join(source, "sub", "inside"));
    expect((await freeze()).files).toBe(2);
  });

  it("refuses pipes, files and missing directories with a hint", async () => {
    await expect(freezeTree(join(source, "run.sh"), trees)).rejects.toMatchObject({ code: "invalid_tree" });
    await expect(freezeTree(join(source, "none"), trees)).rejects.toMatchObject({
      code: "invalid_tree",
      hint: "Name a directory that exists and that you may read.",
    });
    execFileSync("mkfifo", [join(source, "pipe")]);
    await expect(freeze()).rejects.toMatchObject({ code: "invalid_tree", details: { path: "pipe" } });
  });

  it("gives concurrent callers one tree", async () => {
    const all = await Promise.all(Array.from({ length: 8 }, freeze));
    expect(new Set(all.map((frozen) => frozen.hash)).size).toBe(1);
  });

  it("takes 10,000 files", async () => {
    await Promise.all(Array.from({ length: 100 }, (_, i) => mkdir(join(source, `d${i}`))));
    for (let i = 0; i < 100; i += 1) {
      await Promise.all(Array.from({ length: 100 }, (_, j) => writeFile(join(source, `d${i}`, `f${j}`), `${i} ${j}`)));
    }
    expect((await freeze()).files).toBe(10_002);
  });

  it("stops when it is aborted, and leaves nothing half made", async () => {
    const aborted = freezeTree(source, trees, AbortSignal.abort(new Error("enough")));
    await expect(aborted).rejects.toThrow("enough");
    expect((await readdir(trees)).filter((name) => name.startsWith(".tmp"))).toEqual([]);
  });

  it("is verified on the machine: a byte that flipped since is upload_failed", async () => {
    const frozen = await freeze();
    const machine = localMachine(join(dir, "machine"), 1);
    await writeFile(join(frozen.path, "sub", "data"), "dbta");
    await expect(machine.prepare(frozen)).rejects.toMatchObject({ code: "upload_failed" });
    await writeFile(join(frozen.path, "sub", "data"), "data");
    await machine.prepare(frozen);
    await machine.prepare(frozen);
    expect(await readdir(join(dir, "machine", "trees"))).toEqual([frozen.hash]);
  });
});
