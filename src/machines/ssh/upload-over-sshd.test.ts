/** Uploads over a real server: whole, in part, cut, and to disks that take nothing. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync } from "node:fs";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { removeDir, until } from "../conformance/machine-bench.js";
import { mountSmallDisk, noSmallDisk } from "../conformance/small-disk.js";
import { STANDARD_PATH } from "../local/local-fixture.js";
import type { Machine } from "../machine-port.js";
import { freezeTree } from "../tree/freeze-tree.js";
import type { FrozenTree } from "../tree/frozen-tree.js";
import { hashTree } from "../tree/hash-tree.js";
import { createSshMachine } from "./ssh-machine.js";
import { noSshd, type Sshd, startSshd } from "./sshd-fixture.js";

const MB = 1_000_000;
const dir = mkdtempSync(join(tmpdir(), "waybill-upload-"));
const disk = mountSmallDisk(join(dir, "small"), "4m");
afterAll(async () => {
  disk.unmount();
  await removeDir(dir);
});

/** A source of files of random bytes, which do not shrink. */
async function sourceOf(sizes: Readonly<Record<string, number>>): Promise<string> {
  const source = await mkdtemp(join(dir, "source-"));
  for (const [name, bytes] of Object.entries(sizes)) await writeFile(join(source, name), randomBytes(bytes));
  return source;
}

const freeze = (source: string): Promise<FrozenTree> => freezeTree(source, join(dir, "frozen \\n"));
const placed = async ({ spec }: Machine, { hash }: FrozenTree): Promise<string> =>
  (await hashTree(join(spec.workDir, "trees", hash), { ignoring: false })).hash;
const unfinished = async ({ spec }: Machine): Promise<string[]> =>
  (await readdir(join(spec.workDir, "trees"))).filter((name) => name.startsWith(".tmp"));

/** Clients that this process has started and that are not shared connections. */
function clients(): number[] {
  const lines = execFileSync("ps", ["-e", "-o", "pid=,ppid=,comm="], { encoding: "utf8" }).split("\n");
  return lines.flatMap((line) => {
    const [pid, parent, name] = line.trim().split(/\s+/);
    return Number(parent) === process.pid && name === "ssh" ? [Number(pid)] : [];
  });
}

describe.skipIf(noSshd !== null)(
  `uploading over ssh${noSshd ? ` (skipped: ${noSshd})` : ""}`,
  { timeout: 120_000 },
  () => {
    let sshd: Sshd;
    beforeAll(async () => {
      sshd = await startSshd({ dir: join(dir, "sshd") });
    });
    afterAll(() => sshd.kill());

    const machineAt = (workDir: string): Machine => createSshMachine(sshd.spec(workDir), { PATH: STANDARD_PATH });
    const freshMachine = async (): Promise<Machine> => machineAt(await mkdtemp(join(dir, "machine-")));

    it("brings a whole tree, and then only what differs from it", async () => {
      const machine = await freshMachine();
      const source = await sourceOf({ a: 300_000, b: 300_000, c: 10 });
      const first = await freeze(source);
      await machine.prepare(first);
      expect(await placed(machine, first)).toBe(first.hash);
      await writeFile(join(source, "c"), "changed");
      const second = await freeze(source);
      await machine.prepare(second);
      expect(await placed(machine, second)).toBe(second.hash);
      const inode = async ({ hash }: FrozenTree) => (await stat(join(machine.spec.workDir, "trees", hash, "a"))).ino;
      expect(await inode(second)).toBe(await inode(first));
    });

    it("leaves nothing when its client is killed in the middle, and can be asked again", async () => {
      const machine = await freshMachine();
      const tree = await freeze(await sourceOf({ large: 64 * MB }));
      const trees = join(machine.spec.workDir, "trees");
      const upload = machine.prepare(tree).then(
        () => "done",
        (error: { readonly code?: string }) => error.code,
      );
      await until("a part has arrived", async () =>
        existsSync(trees)
          ? (await unfinished(machine)).some((name) => existsSync(join(trees, name, tree.hash)))
          : false,
      );
      for (const pid of clients()) process.kill(pid, "SIGKILL");
      expect(await upload).toBe("machine_unreachable");
      expect(await readdir(trees)).not.toContain(tree.hash);
      await until("the rest is gone", async () => (await unfinished(machine)).length === 0);
      await until("the machine is asked again", () =>
        machine.prepare(tree).then(
          () => true,
          () => false,
        ),
      );
      expect(await placed(machine, tree)).toBe(tree.hash);
    });

    const unless = noSmallDisk(disk) === null ? "" : ` (skipped: ${noSmallDisk(disk)})`;

    it.skipIf(!disk.mounted)(`says how much a full disk lacks before anything is sent${unless}`, async () => {
      const machine = machineAt(disk.path);
      const tree = await freeze(await sourceOf({ large: 8 * MB }));
      await expect(machine.prepare(tree)).rejects.toMatchObject({
        code: "disk_full",
        details: { found_kib: expect.any(Number), needed_kib: Math.ceil((8 * MB) / 1024) },
      });
      expect(await unfinished(machine)).toEqual([]);
    });

    it.skipIf(!disk.mounted)(`leaves nothing on a disk that fills up meanwhile${unless}`, async () => {
      const machine = machineAt(disk.path);
      // The bytes would fit, but not in blocks of 4 KiB.
      const names = Array.from({ length: 2_000 }, (_, index) => `f${index}`);
      const tree = await freeze(await sourceOf(Object.fromEntries(names.map((name) => [name, 10]))));
      await expect(machine.prepare(tree)).rejects.toMatchObject({ code: "disk_full" });
      await until("the rest is gone", async () => (await unfinished(machine)).length === 0);
      const small = await freeze(await sourceOf({ a: 1_000 }));
      await machine.prepare(small);
      expect(await placed(machine, small)).toBe(small.hash);
    });

    it.skipIf(!disk.mounted)(`refuses a read-only disk with what it says${unless}`, async () => {
      const machine = machineAt(disk.path);
      await rm(join(disk.path, "trees"), { recursive: true, force: true });
      await until("it is read-only", () => disk.setReadOnly(true));
      try {
        const tree = await freeze(await sourceOf({ a: 1_000 }));
        await expect(machine.prepare(tree)).rejects.toMatchObject({
          code: "upload_failed",
          message: expect.stringMatching(/[Rr]ead-only/),
        });
      } finally {
        disk.setReadOnly(false);
      }
    });
  },
);
