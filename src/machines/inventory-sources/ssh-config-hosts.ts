/**
 * The hosts that an OpenSSH client's configuration names. What it says of them stays there: a machine needs no more than
 * its alias, and `ssh` reads the rest at every connection.
 */
import { readdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import SSHConfig, { type Directive, glob, type Line, LineType, type Section } from "ssh-config";
import { WaybillError } from "../../domain/errors.js";
import type { FoundMachine } from "./found-machine.js";

/** As many as OpenSSH follows (readconf.c, READCONF_MAX_DEPTH). */
const DEEPEST = 16;

export const userSshConfig = (): string => join(homedir(), ".ssh", "config");

/**
 * Hosts in the order of the file, each once, without patterns (`*`, `?`, `!`) and those of files that it includes.
 *
 * Errors: `invalid_input` when the file cannot be read, or includes go round in a circle. Included files that cannot be
 * read are passed over, as ssh does.
 */
export async function readSshHosts(path: string): Promise<FoundMachine[]> {
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new WaybillError(
      "invalid_input",
      `The ssh configuration ${path} cannot be read: ${cause.code ?? cause.message}.`,
      {
        hint: "Name another one with --ssh-config FILE.",
        cause,
      },
    );
  });
  const flat = SSHConfig.parse(await withIncludes(text, path, path, 0));
  const names = new Set(flat.flatMap(hostsOf).filter((name) => !/[*?!]/.test(name)));
  return [...names].map((name) => ({
    name,
    host: name,
    os: null,
    tags: [],
    online: null,
    about: describe(flat, name),
  }));
}

/** Whether a name matches one of the patterns, as `Host` lines have them; all do when there are none. */
export const isWanted = (name: string, patterns: readonly string[]): boolean =>
  patterns.length === 0 || glob([...patterns], name);

const isDirective = (line: Line): line is Directive => line.type === LineType.DIRECTIVE;
const isNamed = (line: Line, param: string): line is Directive =>
  isDirective(line) && line.param.toLowerCase() === param;
const isSection = (line: Line): line is Section => isDirective(line) && "config" in line;

const wordsOf = ({ value }: Directive): string[] =>
  typeof value === "string" ? value.split(/\s+/).filter((word) => word !== "") : value.map(({ val }) => val);

const hostsOf = (line: Line): string[] => (isNamed(line, "host") ? wordsOf(line) : []);

/** The configuration with what it includes written out; what a section includes comes before it, since it may begin others. */
async function withIncludes(text: string, path: string, root: string, depth: number): Promise<string> {
  if (depth > DEEPEST) {
    throw new WaybillError("invalid_input", `${path} is included more than ${DEEPEST} levels deep.`, {
      hint: `Includes of ${root} seem to go round in a circle.`,
    });
  }
  const parts: string[] = [];
  for (const line of SSHConfig.parse(text)) {
    const nested = isSection(line) ? line.config.filter((inner) => isNamed(inner, "include")) : [];
    for (const include of [line, ...nested]) {
      if (!isNamed(include, "include")) continue;
      for (const file of await filesOf(wordsOf(include))) {
        const included = await readFile(file, "utf8").catch(() => null);
        if (included !== null) parts.push(`${await withIncludes(included, file, root, depth + 1)}\n`);
      }
    }
    if (!isNamed(line, "include")) parts.push(SSHConfig.stringify(SSHConfig.from([line]) as SSHConfig));
  }
  return parts.join("");
}

/** Relative paths start from `~/.ssh`, whichever file includes them (ssh_config(5), Include). */
async function filesOf(patterns: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const pattern of patterns) {
    const path = pattern.startsWith("~/") ? join(homedir(), pattern.slice(2)) : pattern;
    found.push(...(await expand(isAbsolute(path) ? resolve(path) : join(dirname(userSshConfig()), path))));
  }
  return found;
}

/** Paths that match, in the order of their names; only the part that has a wildcard is looked up. */
async function expand(path: string): Promise<string[]> {
  const parts = path.split("/").filter((part) => part !== "");
  let found = ["/"];
  for (const part of parts) {
    if (!/[*?]/.test(part)) {
      found = found.map((folder) => join(folder, part));
      continue;
    }
    const lists = found.map(async (folder) => {
      const names = await readdir(folder).catch(() => []); // Not there, or not ours to look into: nothing matches.
      const matching = names.filter((name) => glob(part, name) && (part.startsWith(".") || !name.startsWith(".")));
      return matching.sort().map((name) => join(folder, name));
    });
    found = (await Promise.all(lists)).flat();
  }
  return found;
}

/** `Match exec` lines are not carried out: reading a configuration must not run what it names. */
function describe(config: SSHConfig, name: string): string {
  const settings = config.compute(name, { ignoreCase: true, matchExec: false });
  const one = (key: string): string => String([settings[key] ?? ""].flat()[0] ?? "");
  const [host, user, port, jump, key] = ["hostname", "user", "port", "proxyjump", "identityfile"].map(one);
  const address = `${user ? `${user}@` : ""}${host || name}${port ? `:${port}` : ""}`;
  return `${address}${jump ? ` through ${jump}` : ""}${key ? ` with ${key}` : ""}`;
}
