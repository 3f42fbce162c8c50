/**
 * Builds `dist/`: what is published, and what `npm ci` leaves behind in a checkout (this is the `prepare` script).
 *
 * Everything but the native SQLite driver and the optional Postgres driver is bundled, because a cold start is paid for
 * by the file: one command reads a few chunks here instead of some hundred modules. Chunks lie flat beside the doors, so
 * that code which looks for its data beside itself (`import.meta.url`) looks in `dist/` whichever chunk it ended up in.
 */
import { spawnSync } from "node:child_process";
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

const COMMON = {
  absWorkingDir: root,
  outdir: "dist",
  bundle: true,
  platform: "node",
  target: "node20",
  external: ["better-sqlite3", "pg", "vitest", "fast-check"],
  treeShaking: true,
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
};

const outputsOf = ({ metafile }) => Object.keys(metafile.outputs).map((path) => basename(path));

/** The doors of the library, in chunks that they share; as they were written, for whoever reads a stack or steps through. */
async function bundleLibrary() {
  return outputsOf(
    await build({
      ...COMMON,
      entryPoints: { index: "src/index.ts", testing: "src/testing.ts" },
      chunkNames: "chunk-[hash]",
      splitting: true,
      format: "esm",
      banner: { js: REQUIRE_BANNER },
    }),
  );
}

/** The command line, one file: see `launcher.cjs`, which starts it from the compiled form that is made here. */
async function bundleCommand() {
  const [name = ""] = outputsOf(
    await build({
      ...COMMON,
      minify: true,
      entryPoints: { "cli-main": "src/interfaces/cli/main.ts" },
      entryNames: "[name]-[hash]",
      outExtension: { ".js": ".cjs" },
      format: "cjs",
      // The compiled form has no loader of modules: what is imported late is required late.
      supported: { "dynamic-import": false },
      define: { "import.meta.url": "urlOfBundle" },
      banner: { js: 'const urlOfBundle=require("node:url").pathToFileURL(__filename).href;' },
    }),
  );
  const launcher = await readFile(join(root, "src/interfaces/cli/launcher.cjs"), "utf8");
  await writeFile(join(dist, "cli.cjs"), SHEBANG + launcher.replace("BUNDLE", name));
  await chmod(join(dist, "cli.cjs"), 0o755);
  return [name, `${name}.cache`, "cli.cjs"];
}

/** Threads, what Node itself must load, and what a shell carries out are files of their own, which lie beside the bundles. */
const SEPARATE = [
  "src/store/sqlite/lease-thread.cjs",
  "src/engine/isolate-thread.mjs",
  "src/app/tasks/import-module.cjs",
  "src/machines/children/warden.sh",
];

async function copySeparate() {
  for (const file of SEPARATE) await cp(join(root, file), join(dist, basename(file)));
  return SEPARATE.map((file) => basename(file));
}

/** Uses the command a little, so that what it needs at every start is compiled, and keeps the compiled form. */
function compileCommand(cache) {
  const use = `
    process.argv.splice(1, 0, "waybill");
    const { createCache } = require(${JSON.stringify(join(dist, "cli.cjs"))});
    process.on("exit", () => require("node:fs").writeFileSync(${JSON.stringify(join(dist, cache))}, createCache()));`;
  const env = { ...process.env, WAYBILL_HOME: join(dist, "none"), WAYBILL_STORE: "memory:", WAYBILL_MACHINES: "" };
  const args = ["-e", use, "runs", "list"];
  const { status, stderr } = spawnSync(process.execPath, args, { env, stdio: ["ignore", "ignore", "pipe"] });
  if (status !== 0) throw new Error(`The command that was just built does not run:\n${stderr}`);
}

/** Files of earlier builds would be published, and would hide an import that no longer resolves. */
async function removeStale(built) {
  for (const name of await readdir(dist)) {
    if (/\.(m?js|cjs|cache)$/.test(name) && !built.includes(name)) await rm(join(dist, name));
  }
}

await mkdir(dist, { recursive: true });
const command = await bundleCommand();
await removeStale([...(await bundleLibrary()), ...command, ...(await copySeparate())]);
for (const folder of ["src/machines/supervisor/sh", "src/machines/supervisor/ps", "src/store/sqlite/migrations"]) {
  const target = join(dist, basename(folder));
  await cp(join(root, folder), target, { recursive: true, force: true });
  const present = await readdir(join(root, folder));
  for (const name of await readdir(target)) if (!present.includes(name)) await rm(join(target, name));
}
compileCommand(command[1]);
