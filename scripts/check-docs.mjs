/**
 * Checks what the pages claim: links lead somewhere, README shows commands that exist, decisions stay short, the table
 * of errors is that of the code, and every code of it is used. `--write` renders the table anew.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const ERRORS_PAGE = join(root, "docs/errors.md");
const DECISION_LINES = 40;
const BEGIN = "<!-- generated: npm run docs -- --write -->";
const END = "<!-- end of generated -->";

const SKIPPED = ["node_modules", "dist", "reports", "coverage", ".git", ".waybill"];

function pagesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (SKIPPED.includes(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return pagesBelow(path);
    return entry.name.endsWith(".md") ? [path] : [];
  });
}

const withoutCode = (text) => text.replace(/^(`{3,})[\s\S]*?^\1$/gm, "").replace(/`[^`\n]*`/g, "");

/** The anchors that a page's headings get, as GitHub makes them. */
const anchorsOf = (text) =>
  [...withoutCode(text).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(" ", "-"),
  );

function brokenLinks(page) {
  const text = readFileSync(page, "utf8");
  return [...withoutCode(text).matchAll(/\]\(([^)\s]+)(?:\s"[^"]*")?\)/g)].flatMap(([, link]) => {
    if (/^[a-z]+:/.test(link)) return [];
    const [path, anchor] = link.split("#");
    const target = path === "" ? page : join(dirname(page), decodeURIComponent(path));
    if (!existsSync(target)) return [`${relative(root, page)}: ${link} leads nowhere`];
    const headings = anchor && target.endsWith(".md") ? anchorsOf(readFileSync(target, "utf8")) : [anchor];
    return headings.includes(anchor) ? [] : [`${relative(root, page)}: ${link} names no heading`];
  });
}

/** Command lines in the README's shell blocks, each as the words after `waybill`. */
function shownCommands(text) {
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)]
    .flatMap(([, block]) => block.split("\n"))
    .flatMap((line) => /^(?:\$ )?(?:[A-Z_]+=\S+ )*(?:npx )?waybill (.*)$/.exec(line)?.[1] ?? []);
}

function unknownCommands() {
  const readme = join(root, "README.md");
  const shown = existsSync(readme) ? shownCommands(readFileSync(readme, "utf8")) : [];
  if (shown.length === 0) return [];
  const cli = [join(root, "dist/cli.cjs"), "schema", "--json"];
  const { stdout } = spawnSync(process.execPath, cli, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  const commands = commandsIn(JSON.parse(stdout).data);
  const exists = (line) => line.startsWith("--") || commands.some((command) => `${line} `.startsWith(`${command} `));
  return shown.filter((line) => !exists(line)).map((line) => `README.md: no command \`waybill ${line}\``);
}

/** Every `command` in the answer of `waybill schema`, wherever its shape keeps it. */
function commandsIn(value) {
  if (typeof value !== "object" || value === null) return [];
  const own = typeof value.command === "string" ? [value.command] : [];
  return [...own, ...Object.values(value).flatMap(commandsIn)];
}

function longDecisions() {
  const folder = join(root, "docs/decisions");
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => {
    const lines = readFileSync(join(folder, name), "utf8").trimEnd().split("\n").length;
    return lines > DECISION_LINES ? [`docs/decisions/${name}: ${lines} lines, at most ${DECISION_LINES}`] : [];
  });
}

async function readErrors() {
  const { outputFiles } = await build({
    entryPoints: [join(root, "src/domain/errors.ts")],
    bundle: true,
    format: "esm",
    write: false,
  });
  const source = Buffer.from(outputFiles[0].contents).toString("base64");
  const { ERRORS } = await import(`data:text/javascript;base64,${source}`);
  return ERRORS;
}

/** Codes that stand in the table and are used nowhere else: a promise that nobody keeps. */
function unusedCodes(errors) {
  const texts = sourcesBelow(join(root, "src")).map((path) => readFileSync(path, "utf8"));
  const used = (code) => texts.some((text) => text.includes(`"${code}"`));
  return Object.keys(errors)
    .filter((code) => !used(code))
    .map((code) => `src/domain/errors.ts: nothing uses the code ${code}`);
}

function sourcesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sourcesBelow(path);
    return /(?<!\.test)\.ts$/.test(entry.name) && path !== join(root, "src/domain/errors.ts") ? [path] : [];
  });
}

function errorTable(errors) {
  const rows = Object.entries(errors).map(
    ([code, { exit, http, retryable }]) => `| \`${code}\` | ${exit} | ${http} | ${retryable ? "yes" : "no"} |`,
  );
  return [BEGIN, "| code | exit code | HTTP status | retryable |", "|---|---|---|---|", ...rows, END].join("\n");
}

function staleErrorTable(errors) {
  const page = readFileSync(ERRORS_PAGE, "utf8");
  const table = errorTable(errors);
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < 0) return [`docs/errors.md: no place for the table between "${BEGIN}" and "${END}"`];
  const rendered = page.slice(0, begin) + table + page.slice(end + END.length);
  if (process.argv.includes("--write")) writeFileSync(ERRORS_PAGE, rendered);
  else if (rendered !== page)
    return ["docs/errors.md: not the table of the code; `npm run docs -- --write` renders it"];
  return [];
}

const errors = await readErrors();
const faults = [
  ...pagesBelow(root).flatMap(brokenLinks),
  ...longDecisions(),
  ...staleErrorTable(errors),
  ...unusedCodes(errors),
  ...unknownCommands(),
];
for (const fault of faults) console.error(fault);
console.log(faults.length === 0 ? "pages hold" : `faults: ${faults.length}`);
process.exitCode = faults.length === 0 ? 0 : 1;
