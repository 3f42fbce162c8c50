/** Local machines for tests. */
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { MachineSpec } from "../../domain/machine.js";
import type { Environment } from "../environment.js";
import type { Machine } from "../machine-port.js";
import { createLocalMachine, type LocalMachineOptions } from "./local-machine.js";

/** The inventory's entry of a machine of this host. */
export function localSpec(workDir: string, slots: number): MachineSpec {
  const nowhere = { host: null, user: null, port: null, ssh: null };
  return { name: "here", transport: "local", ...nowhere, os: "linux", tags: [], slots, workDir, env: {} };
}

export const STANDARD_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";

export const localMachine = (workDir: string, slots: number, options: Partial<LocalMachineOptions> = {}): Machine =>
  createLocalMachine(localSpec(workDir, slots), { environment: { PATH: STANDARD_PATH }, ...options });

/** The path of a tool, null when this host has none. */
export function findTool(name: string): string | null {
  try {
    return execFileSync("/bin/sh", ["-c", 'command -v "$0"', name], { encoding: "utf8" }).trim();
  } catch {
    // Not installed: the caller skips what needs it.
    return null;
  }
}

const SHELLS = [["dash"], ["bash"], ["busybox", "sh"]] as const;

/** The shells that the supervisor must run under, with why one is not tried here. */
export function shellsToTry(): readonly {
  readonly name: string;
  readonly shell: readonly string[];
  readonly skip: boolean;
}[] {
  return SHELLS.map(([tool, ...rest]) => {
    const path = findTool(tool);
    const name = [tool, ...rest].join(" ");
    if (path === null) return { name: `${name} (skipped: not installed)`, shell: [], skip: true };
    return { name, shell: [path, ...rest], skip: false };
  });
}

/** An environment whose PATH holds the named tools and nothing else. */
export function onlyTools(dir: string, tools: readonly string[]): Environment {
  mkdirSync(dir, { recursive: true });
  for (const tool of tools) {
    const path = findTool(tool);
    if (path?.startsWith("/") === true) symlinkSync(path, join(dir, tool));
  }
  return { PATH: dir };
}
