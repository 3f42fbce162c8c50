/**
 * Builds `dist/`: what is published, and what `npm ci` leaves behind in a checkout (this is the `prepare` script).
 *
 * Everything but the native SQLite driver and the optional Postgres driver is bundled, because a cold start is paid for
 * by the file: one command reads a few chunks here instead of some hundred modules. Chunks lie flat beside the doors, so
 * that code which looks for its data beside itself (`import.meta.url`) looks in `dist/` whichever chunk it ended up in.
 */
import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");

/** Bundled CommonJS calls `require` for Node's own modules; the long name keeps clear of any import of the sources. */
const REQUIRE_BANNER =
  'import{createRequire as makeRequireForBundle}from"node:module";const require=makeRequireForBundle(import.meta.url);';

const SHEBANG = "#!/usr/bin/env node\n";

async function bundle() {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { index: "src/index.ts", testing: "src/testing.ts", cli: "src/interfaces/cli/main.ts" },
    outdir: "dist",
    chunkNames: "chunk-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    external: ["better-sqlite3", "pg", "vitest", "fast-check"],
    treeShaking: true,
    minify: true,
    legalComments: "none",
    banner: { js: REQUIRE_BANNER },
    metafile: true,
    logLevel: "warning",
  });
  return Object.keys(metafile.outputs).map((path) => basename(path));
}

/** Chunks of earlier builds would be published, and would hide an import that no longer resolves. */
async function removeStale(built) {
  for (const name of await readdir(dist)) {
    if (name.endsWith(".js") && !built.includes(name)) await rm(join(dist, name));
  }
}

async function makeExecutable(file) {
  const text = await readFile(file, "utf8");
  if (!text.startsWith("#!")) await writeFile(file, SHEBANG + text);
  await chmod(file, 0o755);
}

await mkdir(dist, { recursive: true });
await removeStale(await bundle());
await makeExecutable(join(dist, "cli.js"));
for (const folder of ["src/machines/supervisor/sh", "src/store/sqlite/migrations"]) {
  const target = join(dist, basename(folder));
  await cp(join(root, folder), target, { recursive: true, force: true });
  const present = await readdir(join(root, folder));
  for (const name of await readdir(target)) if (!present.includes(name)) await rm(join(target, name));
}
