/**
 * The command line as it is published, built once from the sources as they are now.
 *
 * It is built from a copy under `node_modules/.waybill-test/<hash of the sources>`: a test's live processes load chunks
 * late, so that a build of `dist/` beside them would take their program away.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CACHE = join(ROOT, "node_modules/.waybill-test");
const SOURCES = ["src", "scripts/build.mjs", "package.json", "tsconfig.json"] as const;
/** Builds that no test has been started with for this long are removed; milliseconds. */
const STALE_MS = 3_600_000;

function filesBelow(path: string): string[] {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesBelow(join(path, name)));
}

function hashOfSources(): string {
  const hash = createHash("sha256");
  for (const file of SOURCES.flatMap((source) => filesBelow(join(ROOT, source)))) {
    if (!file.endsWith(".test.ts")) hash.update(`${file}\0`).update(readFileSync(file)).update("\0");
  }
  return hash.digest("hex").slice(0, 16);
}

function removeStaleBuilds(): void {
  for (const name of readdirSync(CACHE)) {
    const path = join(CACHE, name);
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > STALE_MS) rmSync(path, { recursive: true, force: true });
  }
}

function build(target: string): void {
  const made = `${target}.${process.pid}`;
  try {
    for (const source of SOURCES) cpSync(join(ROOT, source), join(made, source), { recursive: true });
    execFileSync(process.execPath, [join(made, "scripts/build.mjs")], { stdio: ["ignore", "ignore", "inherit"] });
    renameSync(made, target);
  } catch (error) {
    // Another test process had it built first; equal sources give an equal build.
    if (!existsSync(target)) throw error;
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

let dist: string | undefined;

/** @returns the folder that holds `cli.cjs` and `index.js` */
export function builtDist(): string {
  if (dist !== undefined) return dist;
  mkdirSync(CACHE, { recursive: true });
  removeStaleBuilds();
  const target = join(CACHE, hashOfSources());
  if (!existsSync(target)) build(target);
  dist = join(target, "dist");
  return dist;
}

export const builtCli = (): string => join(builtDist(), "cli.cjs");
