/** The supervisor's program, and its installation on a machine whose files can be reached from here. */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What machines speak: a POSIX shell, or PowerShell on Windows. */
export type SupervisorLanguage = "sh" | "ps";

/**
 * The script's parts, in the order of their names: beside this module in the sources, beside the bundle once built. A
 * machine gets them as one file; people read them one at a time.
 */
const PARTS: Readonly<Record<SupervisorLanguage, URL>> = {
  sh: new URL("./sh/", import.meta.url),
  ps: new URL("./ps/", import.meta.url),
};

/** The supervisor's text, and the hash that names its version. */
export interface SupervisorSource {
  readonly text: Buffer;
  readonly hash: string;
}

const read = new Map<SupervisorLanguage, Promise<SupervisorSource>>();

/** Read once: every request names the version, and a process stays with its own when another is installed meanwhile. */
export async function supervisorSource(language: SupervisorLanguage = "sh"): Promise<SupervisorSource> {
  const known = read.get(language);
  if (known !== undefined) return await known;
  const reading = readParts(PARTS[language]);
  read.set(language, reading);
  // What could not be read may be readable when it is asked for again.
  reading.catch(() => read.delete(language));
  return await reading;
}

async function readParts(parts: URL): Promise<SupervisorSource> {
  const names = (await readdir(parts)).sort();
  const text = Buffer.concat(await Promise.all(names.map((name) => readFile(new URL(name, parts)))));
  return { text, hash: createHash("sha256").update(text).digest("hex").slice(0, 16) };
}

/**
 * Puts the supervisor into `binDir` unless this very version is there already, and returns its path. Versions live side
 * by side: a run that was started by an older one is still watched by it.
 */
export async function installSupervisor(binDir: string): Promise<string> {
  const { text, hash } = await supervisorSource();
  const path = join(binDir, `supervisor-${hash}.sh`);
  const present = await readFile(path).catch(() => null); // Missing or unreadable: written below, which says why not.
  if (present?.equals(text) === true) return path;
  await mkdir(binDir, { recursive: true, mode: 0o700 });
  const fresh = `${path}.${process.pid}.${performance.now()}`;
  await writeFile(fresh, text, { mode: 0o700 });
  await rename(fresh, path);
  return path;
}
