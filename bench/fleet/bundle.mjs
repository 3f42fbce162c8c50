/** Bundles what speaks to machines over ssh, so that the bench measures what is in `src`. */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** @returns the module, bundled into `out`: ssh machines, frozen trees, and the server that the tests start. */
export async function bundleMachines(out) {
  const file = join(out, "machines.mjs");
  await build({
    stdin: {
      contents: `export { createSshMachine } from "./src/machines/ssh/ssh-machine.ts";
        export { freezeTree } from "./src/machines/tree/freeze-tree.ts";
        export { startSshd } from "./src/machines/ssh/sshd-fixture.ts";`,
      resolveDir: root,
    },
    outfile: file,
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "error",
    banner: { js: 'import{createRequire as c}from"node:module";const require=c(import.meta.url);' },
  });
  cpSync(join(root, "src/machines/supervisor/sh"), join(out, "sh"), { recursive: true });
  return await import(file);
}
