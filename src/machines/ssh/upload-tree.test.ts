/** Uploads through a real shell of this host: the real script, real archives, real files. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { freshDir, removeDir } from "../conformance/machine-bench.js";
import { onlyTools, shellsToTry } from "../local/local-fixture.js";
import { joinBytes } from "../tree/byte-path.js";
import { freezeTree } from "../tree/freeze-tree.js";
import type { FrozenTree } from "../tree/frozen-tree.js";
import { hashTree } from "../tree/hash-tree.js";
import { manifestPath } from "../tree/tree-manifest.js";
import { createLocalShell } from "./local-shell-fixture.js";
import type { InputPrograms, RemoteShell } from "./remote-shell.js";
import { uploadTree } from "./upload-tree.js";

let dir = "";
beforeAll(async () => {
  dir = await freshDir();
});
afterAll(() => removeDir(dir));

const AWKWARD = ["-rf", "new\nline", "back\\slash", "a\\nb", "re\rturn", "raw\xff\xfe", " ", "x".repeat(255), "'q\"$n"];

/** A source with everything that a tree may hold. */
async function awkwardSource(): Promise<string> {
  const source = await mkdtemp(join(dir, "source-"));
  for (const name of AWKWARD) await writeFile(joinBytes(source, Buffer.from(name, "latin1")), name);
  await mkdir(join(source, "empty"));
  await mkdir(join(source, ...Array.from({ length: 30 }, (_, i) => `deep-${i}`)), { recursive: true });
  await writeFile(join(source, "nothing"), "");
  await writeFile(join(source, "run.sh"), "exit 0\n", { mode: 0o755 });
  await symlink("run.sh", join(source, "link"));
  for (let i = 0; i < 60; i += 1) await writeFile(join(source, `file-${i}`), `${i} `.repeat(2000));
  return source;
}

const freeze = (source: string): Promise<FrozenTree> => freezeTree(source, join(dir, "frozen"));
const placed = async (workDir: string, tree: FrozenTree): Promise<string> =>
  (await hashTree(join(workDir, "trees", tree.hash), { ignoring: false })).hash;
const leftovers = async (workDir: string): Promise<string[]> =>
  (await readdir(join(workDir, "trees"))).filter((name) => name.startsWith(".tmp"));

/** The same shell, whose verbs get only so many bytes of their input. */
const cutInput = (shell: RemoteShell, bytes: number): RemoteShell => ({
  open: shell.open,
  call: (call) => {
    const { input } = call;
    if (input === undefined || !("writeTo" in input)) return shell.call(call);
    return shell.call({ ...call, input: { writeTo: (stdin) => writeFirst(input, bytes, stdin) } });
  },
});

function writeFirst(input: InputPrograms, bytes: number, stdin: Writable): void {
  const head = spawn("head", ["-c", String(bytes)], { stdio: ["pipe", stdin, "ignore"] });
  input.writeTo(head.stdin);
  head.stdin.destroy();
}

/** Carries on with a PATH on which only these tools are. */
async function withTools<T>(tools: readonly string[], work: () => Promise<T>): Promise<T> {
  vi.stubEnv("PATH", onlyTools(await mkdtemp(join(dir, "tools-")), tools).PATH);
  try {
    return await work();
  } finally {
    vi.unstubAllEnvs();
  }
}

for (const { name, shell: command, skip } of shellsToTry()) {
  describe.skipIf(skip)(`uploading a tree to ${name}`, { timeout: 120_000 }, () => {
    const machine = async () => {
      const workDir = await mkdtemp(join(dir, "machine-"));
      return { workDir, shell: createLocalShell(workDir, command) };
    };

    it("brings every kind of name, entry and mode, and asks once when it is there", async () => {
      const { workDir, shell } = await machine();
      const tree = await freeze(await awkwardSource());
      await uploadTree(shell, tree);
      expect(await placed(workDir, tree)).toBe(tree.hash);
      const before = shell.calls.length;
      await uploadTree(shell, tree);
      expect(shell.calls.slice(before).map(({ verb }) => verb)).toEqual(["find_tree"]);
      expect(await leftovers(workDir)).toEqual([]);
    });

    it("brings an empty tree", async () => {
      const { workDir, shell } = await machine();
      const tree = await freeze(await mkdtemp(join(dir, "source-")));
      await uploadTree(shell, tree);
      expect(await placed(workDir, tree)).toBe(tree.hash);
    });

    it("sends only what differs from a tree that is there, and leaves that one as it was", async () => {
      const { workDir, shell } = await machine();
      const source = await awkwardSource();
      const first = await freeze(source);
      await uploadTree(shell, first);
      await writeFile(join(source, "file-1"), "changed");
      await writeFile(join(source, "new\\name\n"), "new");
      for (const gone of ["new\nline", "empty", "deep-0", "link"]) await rm(join(source, gone), { recursive: true });
      await mkdir(join(source, "link"));
      const second = await freeze(source);
      await uploadTree(shell, second);
      expect(shell.calls.at(-1)?.args[2]).toBe(first.hash);
      expect(await placed(workDir, second)).toBe(second.hash);
      expect(await placed(workDir, first)).toBe(first.hash);
      const same = (tree: FrozenTree) => stat(join(workDir, "trees", tree.hash, "file-2"));
      expect((await same(second)).ino).toBe((await same(first)).ino);
    });

    it("sends all of it when the tree that it would build on is damaged there", async () => {
      const { workDir, shell } = await machine();
      const source = await awkwardSource();
      const first = await freeze(source);
      await uploadTree(shell, first);
      await writeFile(join(workDir, "trees", first.hash, "file-3"), "damaged");
      await writeFile(join(source, "file-1"), "changed");
      const second = await freeze(source);
      await uploadTree(shell, second);
      expect(shell.calls.slice(-2).map(({ args }) => args[2])).toEqual([first.hash, "none"]);
      expect(await placed(workDir, second)).toBe(second.hash);
    });

    it("gives two clients that race one tree", async () => {
      const { workDir, shell } = await machine();
      const tree = await freeze(await awkwardSource());
      await Promise.all([uploadTree(shell, tree), uploadTree(shell, tree), uploadTree(shell, tree)]);
      expect(await readdir(join(workDir, "trees"))).toContain(tree.hash);
      expect(await placed(workDir, tree)).toBe(tree.hash);
      expect(await leftovers(workDir)).toEqual([]);
    });

    it("leaves nothing under the name when it is cut, and can be asked again", async () => {
      const { workDir, shell } = await machine();
      const source = await awkwardSource();
      // Does not shrink, so that every cut below falls into the archive.
      await writeFile(join(source, "random"), randomBytes(400_000));
      const tree = await freeze(source);
      for (let i = 0; i < 50; i += 1) {
        const cut = uploadTree(cutInput(shell, (i * 7919) % 400_000), tree);
        await expect(cut).rejects.toMatchObject({ code: "upload_failed" });
        expect(await readdir(join(workDir, "trees"))).not.toContain(tree.hash);
      }
      await uploadTree(shell, tree);
      expect(await placed(workDir, tree)).toBe(tree.hash);
      expect(await leftovers(workDir)).toEqual([]);
    });

    it("removes what an upload left whose process is gone", async () => {
      const { workDir, shell } = await machine();
      const dead = join(workDir, "trees", ".tmp.1.1");
      await mkdir(dead, { recursive: true });
      await symlink("another-boot|1|1", join(dead, "owner"));
      await uploadTree(shell, await freeze(await awkwardSource()));
      expect(await leftovers(workDir)).toEqual([]);
    });

    it("sends a tree again that was placed in another boot and had not reached the disk", async () => {
      const { workDir, shell } = await machine();
      const tree = await freeze(await awkwardSource());
      await uploadTree(shell, tree);
      await truncate(join(workDir, "trees", tree.hash, "file-1"), 0);
      const mark = join(workDir, "trees", `.unsynced.${tree.hash}`);
      await rm(mark, { force: true });
      await symlink("another-boot", mark);
      await uploadTree(shell, tree);
      expect(await placed(workDir, tree)).toBe(tree.hash);
    });

    // busybox has a tar inside, which no PATH takes away.
    if (command[1] === undefined) {
      it("tells that tar is missing there", async () => {
        const { shell } = await machine();
        const tree = await freeze(await awkwardSource());
        const tools = ["sh", "mkdir", "ln", "rm", "date", "readlink", "df", "ls", "head", "cat"];
        const env = onlyTools(await mkdtemp(join(dir, "tools-")), tools) as Record<string, string>;
        const poor: RemoteShell = { open: shell.open, call: (call) => shell.call({ ...call, env }) };
        await expect(uploadTree(poor, tree)).rejects.toMatchObject({
          code: "upload_failed",
          message: expect.stringMatching(/unpacked with tar: .*tar/),
        });
      });
    }

    it("tells that tar is missing here, and does without zstd", async () => {
      const { workDir, shell } = await machine();
      const tree = await freeze(await awkwardSource());
      await expect(withTools(["sh"], () => uploadTree(shell, tree))).rejects.toMatchObject({
        code: "upload_failed",
        message: expect.stringMatching(/on this computer: tar/),
        hint: expect.stringContaining("Install tar here"),
      });
      await withTools(["sh", "tar"], () => uploadTree(shell, tree));
      expect(shell.calls.at(-1)?.args[1]).toBe("none");
      expect(await placed(workDir, tree)).toBe(tree.hash);
    });

    it("tells that the frozen copy changed", async () => {
      const { shell } = await machine();
      const source = await awkwardSource();
      await writeFile(join(source, "own"), name);
      const tree = await freeze(source);
      await writeFile(join(tree.path, "own"), `${name.slice(1)}!`);
      await expect(uploadTree(shell, tree)).rejects.toMatchObject({ code: "upload_failed" });
      await rm(manifestPath(tree.path));
      await expect(uploadTree(shell, tree)).rejects.toMatchObject({ code: "upload_failed" });
    });
  });
}
