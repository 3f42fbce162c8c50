/** A file system with little room, for tests of what a full or read-only disk does. Needs root and Linux. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, truncateSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SmallDisk {
  readonly path: string;
  /** Whether it is mounted; when not, it is a directory like any other. */
  readonly mounted: boolean;
  /** Makes it read-only, or writable again; answers whether that could be done, which open files can prevent. */
  setReadOnly(readOnly: boolean): boolean;
  /** Gives it another size, as `mount` takes it. */
  resize(size: string): void;
  /** Takes all its room but `leaving` bytes; answers with the file to remove to have it back. Default 0. */
  fill(leaving?: number): string;
  unmount(): void;
}

/** Why there can be none here; null when there was one. */
export const noSmallDisk = ({ mounted }: SmallDisk): string | null =>
  mounted ? null : "cannot mount a tmpfs without root";

/** Why no disk can be mounted on this host; null when one can. For titles, before any is needed. */
export function whyNoSmallDisk(): string | null {
  const path = mkdtempSync(join(tmpdir(), "waybill-mount-"));
  const disk = mountSmallDisk(path, "64k");
  disk.unmount();
  rmSync(path, { recursive: true });
  return noSmallDisk(disk);
}

/** @param size as `mount` takes it, such as `1m` */
export function mountSmallDisk(path: string, size: string): SmallDisk {
  mkdirSync(path, { recursive: true });
  const mounted = mount("-t", "tmpfs", "-o", `size=${size},mode=0700`, "waybill-test", path);
  return {
    path,
    mounted,
    setReadOnly: (readOnly) => mount("-o", `remount,${readOnly ? "ro" : "rw"}`, path),
    resize: (to) => void execFileSync("mount", ["-o", `remount,size=${to}`, path]),
    fill: (leaving = 0) => fill(join(path, "fill"), leaving),
    unmount: () => {
      if (mounted) execFileSync("umount", ["-l", path]);
    },
  };
}

function fill(path: string, leaving: number): string {
  const file = openSync(path, "w");
  let bytes = 0;
  try {
    for (;;) bytes += writeSync(file, Buffer.alloc(4_096));
  } catch (error) {
    // The disk ends before the data, as intended.
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  } finally {
    closeSync(file);
  }
  if (leaving > 0) truncateSync(path, bytes - leaving);
  return path;
}

function mount(...args: readonly string[]): boolean {
  try {
    execFileSync("mount", args, { stdio: "ignore" });
    return true;
  } catch {
    // Not root, no tmpfs here, or files that are open for writing: whoever asked is told by the answer.
    return false;
  }
}
