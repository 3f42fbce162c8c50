/**
 * Fails the build on an arrow between layers that is not on the list, on a cycle of value imports, and on folders whose
 * names say nothing. The list is the architecture (ARCHITECTURE.md); changing it is a decision, not a convenience.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

const MAY_IMPORT = {
  domain: [],
  contracts: ["domain"],
  observe: ["domain"],
  config: ["domain"],
  store: ["domain"],
  workers: ["domain"],
  machines: ["domain", "contracts"],
  dispatch: ["domain", "store", "machines", "observe"],
  engine: ["domain", "store", "machines", "observe"],
  "data-store": ["domain", "store", "config"],
  app: ["domain", "contracts", "store", "machines", "dispatch", "engine", "workers", "config", "observe"],
  interfaces: ["domain", "contracts", "app", "config", "observe"],
};

/** The command line starts the server; beyond that no interface leans on another. */
const MAY_START = { cli: ["http"] };

/** The doors at the top of `src` gather names from everywhere. */
const DOORS = ["index.ts", "testing.ts"];
const NAMELESS = ["utils", "util", "helpers", "common", "lib", "misc", "types", "shared"];

const IMPORT = /^\s*(?:import|export)\s+(type\s+)?(?:[^"';]*?\sfrom\s+)?"(\.[^"]+)"/gm;
const DYNAMIC = /\bimport\(\s*"(\.[^"]+)"\s*\)/g;

function sourcesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Imports of a file: where to, and whether only types are meant (those vanish and cannot close a cycle). */
function importsOf(file) {
  const text = readFileSync(file, "utf8");
  const target = (specifier) => resolve(dirname(file), specifier).replace(/\.js$/, ".ts");
  const fixed = [...text.matchAll(IMPORT)].map((m) => ({
    to: target(m[2]),
    typeOnly: m[1] !== undefined,
    lazy: false,
  }));
  const lazy = [...text.matchAll(DYNAMIC)].map((m) => ({ to: target(m[1]), typeOnly: false, lazy: true }));
  return [...fixed, ...lazy];
}

/** The layer, and below `interfaces` the interface too: the CLI may not lean on the HTTP server. */
function placeOf(file, src) {
  const parts = relative(src, file).split(sep);
  const outside = parts[0] === "..";
  return {
    outside,
    layer: parts.length === 1 ? null : parts[0],
    unit: parts[0] === "interfaces" ? parts[1] : null,
    name: parts.at(-1),
    conformance: parts.includes("conformance"),
  };
}

function isAllowed(from, to, isTest) {
  if (from.layer === null) return DOORS.includes(from.name) || isTest;
  // Programs that tests start stand in `test/`, outside of the sources.
  if (to.outside) return isTest;
  // The suites that every store and transport passes come with builders of records, for all tests.
  if (isTest && to.conformance) return true;
  if (to.layer === null) return false;
  if (from.layer === to.layer) return from.unit === to.unit || (MAY_START[from.unit]?.includes(to.unit) ?? false);
  const allowed = MAY_IMPORT[from.layer] ?? [];
  // A test may use whatever its layer stands on, however far down.
  return allowed.includes(to.layer) || (isTest && allowed.some((layer) => MAY_IMPORT[layer].includes(to.layer)));
}

function findCycle(graph) {
  const done = new Set();
  const visit = (file, trail) => {
    if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file];
    if (done.has(file)) return null;
    for (const next of graph.get(file) ?? []) {
      const cycle = visit(next, [...trail, file]);
      if (cycle !== null) return cycle;
    }
    done.add(file);
    return null;
  };
  for (const file of graph.keys()) {
    const cycle = visit(file, []);
    if (cycle !== null) return cycle;
  }
  return null;
}

/** @returns one sentence for each fault below the source folder `src` */
export function findLayerFaults(src) {
  const faults = [];
  const graph = new Map();
  const show = (file) => relative(src, file);
  for (const file of sourcesBelow(src)) {
    const from = placeOf(file, src);
    const isTest = file.endsWith(".test.ts");
    const nameless = show(file)
      .split(sep)
      .find((part) => NAMELESS.includes(part.replace(/\.ts$/, "")));
    if (nameless !== undefined) faults.push(`${show(file)}: "${nameless}" says nothing about what is in it`);
    if (from.layer !== null && !(from.layer in MAY_IMPORT))
      faults.push(`${show(file)}: no layer is named ${from.layer}`);
    const imports = importsOf(file);
    for (const { to } of imports) {
      if (!existsSync(to)) faults.push(`${show(file)} imports ${show(to)}, which does not exist`);
      else if (!isAllowed(from, placeOf(to, src), isTest)) faults.push(`${show(file)} may not import ${show(to)}`);
    }
    graph.set(
      file,
      imports.filter((i) => !i.typeOnly && !i.lazy).map((i) => i.to),
    );
  }
  const cycle = findCycle(graph);
  if (cycle !== null) faults.push(`import cycle: ${cycle.map(show).join(" -> ")}`);
  return faults;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const src = process.argv[2] ?? fileURLToPath(new URL("../src", import.meta.url));
  const faults = findLayerFaults(src);
  for (const fault of faults) console.error(fault);
  console.log(faults.length === 0 ? "layers hold" : `faults: ${faults.length}`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
