/** Bundles the store's sources for a benchmark, so that it measures what is in `src` and needs no build. */
import { cpSync, mkdirSync, mkdtempSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../../", import.meta.url));
const binding = createRequire(import.meta.url).resolve("better-sqlite3");

/** @returns the path of a module that exports `openSqliteStore` and the builders of test records. */
export async function bundleStore() {
  const out = mkdtempSync(join(tmpdir(), "waybill-bench-"));
  mkdirSync(join(out, "migrations"));
  cpSync(join(root, "src/store/sqlite/migrations"), join(out, "migrations"), { recursive: true });
  const file = join(out, "store.mjs");
  await build({
    stdin: {
      contents: `export { openSqliteStore } from "./src/store/sqlite/open-sqlite-store.ts";
        export { given, finished } from "./src/store/conformance/given.ts";`,
      resolveDir: root,
    },
    outfile: file,
    bundle: true,
    platform: "node",
    format: "esm",
    plugins: [
      {
        name: "binding",
        setup: (b) =>
          b.onResolve({ filter: /^better-sqlite3$/ }, () => ({ path: pathToFileURL(binding).href, external: true })),
      },
    ],
  });
  return { file, out, binding };
}
