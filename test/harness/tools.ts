/** A PATH with all tools of this host but for some, for hosts that lack one or have another in its place. */
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Makes a folder with links to the tools. @param instead scripts (without their shebang) by the name of the tool that they
 * stand for; null: there is no such tool
 */
export function toolsWith(folder: string, instead: Readonly<Record<string, string | null>>): string {
  mkdirSync(folder);
  for (const from of ["/bin", "/usr/bin"]) {
    for (const name of readdirSync(from)) {
      if (!existsSync(join(folder, name))) symlinkSync(join(from, name), join(folder, name));
    }
  }
  for (const [name, script] of Object.entries(instead)) {
    rmSync(join(folder, name), { force: true });
    if (script !== null) writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  return folder;
}
