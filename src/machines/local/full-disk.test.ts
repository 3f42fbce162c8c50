/** A full disk loses no outcome; a read-only one is refused with a code. Needs root, to mount a small file system. */
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Bench,
  freshDir,
  logOf,
  removeDir,
  requestFor,
  runToEnd,
  treeOf,
  until,
} from "../conformance/machine-bench.js";
import { mountSmallDisk, noSmallDisk } from "../conformance/small-disk.js";
import { localMachine } from "./local-fixture.js";

const dir = await freshDir();
const disk = mountSmallDisk(join(dir, "small"), "1m");
const workDir = disk.path;
const skipped = noSmallDisk(disk);
afterAll(async () => {
  disk.unmount();
  await removeDir(dir);
});

const title = skipped === null ? "on a full disk" : `on a full disk (skipped: ${skipped})`;

describe.skipIf(skipped !== null)(title, { timeout: 60_000 }, () => {
  let bench: Bench;
  beforeAll(() => {
    bench = { machine: localMachine(workDir, 1), dir };
  });

  it("a program that fills it keeps its own exit code and all that it could write", async () => {
    const { request, exit } = await runToEnd(
      bench,
      'cat /dev/zero > "$WAYBILL_ARTIFACTS_DIR/fill" 2>/dev/null; exit 9',
    );
    expect(exit).toMatchObject({ code: 9, reason: "exited" });
    await bench.machine.forget(request);
  });

  it("a program that fills its log keeps its own exit code", async () => {
    const { request, exit } = await runToEnd(bench, "cat /dev/zero 2>/dev/null; exit 8");
    expect(exit).toMatchObject({ code: 8, reason: "exited" });
    expect(exit.log_bytes).toBeGreaterThan(100_000);
    expect((await logOf(bench.machine, request)).length).toBe(exit.log_bytes);
    await bench.machine.forget(request);
  });

  it("a run that does not fit is recorded as disk_full, and is not executed", async () => {
    const tree = await treeOf(dir, "exit 0", { big: "x".repeat(600_000) });
    await bench.machine.prepare(tree);
    const request = requestFor(tree);
    expect(await bench.machine.start(request)).toMatchObject({ exit: { reason: "disk_full", code: null } });
    await rm(join(workDir, "trees", tree.hash), { recursive: true });
  });

  it("a run that cannot even reserve its records is recorded as disk_full", async () => {
    const tree = await treeOf(dir, "exit 0");
    await bench.machine.prepare(tree);
    const fill = join(workDir, "fill");
    await writeFile(fill, Buffer.alloc(2 * 1024 * 1024)).catch(() => {}); // The disk ends before the data: as intended.
    const request = requestFor(tree);
    const answer = await bench.machine.start(request);
    expect(answer).toMatchObject({ state: "exit", exit: { reason: "disk_full", code: null, fence: 7 } });
    expect(await bench.machine.status(request)).toEqual(answer);
    await rm(fill);
    expect((await runToEnd(bench, "exit 3")).exit.code).toBe(3);
  });

  it("a tree that does not fit is disk_full, and leaves nothing behind", async () => {
    const tree = await treeOf(dir, "exit 0", { big: "x".repeat(3_000_000) });
    await expect(bench.machine.prepare(tree)).rejects.toMatchObject({ code: "disk_full" });
    expect((await readdir(join(workDir, "trees"))).filter((name) => name.startsWith(".tmp"))).toEqual([]);
  });

  it("a read-only work directory is refused with a code and what to do", async () => {
    const tree = await treeOf(dir, "exit 0");
    await bench.machine.prepare(tree);
    const other = await treeOf(dir, "exit 1");
    await until("nothing is open for writing", () => disk.setReadOnly(true));
    await expect(bench.machine.start(requestFor(tree))).rejects.toMatchObject({ code: "spawn_failed" });
    await expect(bench.machine.prepare(other)).rejects.toMatchObject({ code: "upload_failed" });
    expect((await bench.machine.check())[0]).toMatchObject({ name: "work directory", ok: false });
  });
});
