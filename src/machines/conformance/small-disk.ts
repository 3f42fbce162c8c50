/** A file system with little room, for tests of what a full or read-only disk does. Needs root and Linux. */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";

export interface SmallDisk {
  readonly path: string;
  /** Whether it is mounted; when not, it is a directory like any other. */
  readonly mounted: boolean;
  /** Makes it read-only, or writable again; answers whether that could be done, which open files can prevent. */
  setReadOnly(readOnly: boolean): boolean;
  unmount(): void;
}

/** Why there can be none here; null when there was one. */
export const noSmallDisk = ({ mounted }: SmallDisk): string | null =>
  mounted ? null : "cannot mount a tmpfs without root";

/** @param size as `mount` takes it, such as `1m` */
export function mountSmallDisk(path: string, size: string): SmallDisk {
  mkdirSync(path, { recursive: true });
  const mounted = mount("-t", "tmpfs", "-o", `size=${size},mode=0700`, "waybill-test", path);
  return {
    path,
    mounted,
    setReadOnly: (readOnly) => mount("-o", `remount,${readOnly ? "ro" : "rw"}`, path),
    unmount: () => {
      if (mounted) execFileSync("umount", ["-l", path]);
    },
  };
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
