/** A tailnet's devices, asked for at most once a minute by all processes of a home together. */
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { WaybillError } from "../../domain/errors.js";
import { MACHINE_OSES } from "../../domain/machine.js";
import type { FoundMachine } from "./found-machine.js";

const FRESH_MS = 60_000;

const found = z.object({
  name: z.string(),
  host: z.string(),
  os: z.enum(MACHINE_OSES).nullable(),
  tags: z.array(z.string()),
  online: z.boolean().nullable(),
  about: z.string(),
});
const cacheFile = z.object({ at: z.number(), machines: z.array(found) });

export interface Tailnet {
  readonly machines: readonly FoundMachine[];
  /** Why this is an older list than it should be, as a sentence; null when it is fresh. */
  readonly stale: string | null;
}

/**
 * The list of the last minute, else a new one, else the last one there was. The file holds no secrets.
 *
 * @param home Waybill's state directory
 * @throws what `list` throws when there is no list at all: machines that are not known cannot be told from none
 */
export async function cachedTailnet(
  home: string,
  list: () => Promise<readonly FoundMachine[]>,
  clock: () => number = Date.now,
): Promise<Tailnet> {
  const path = join(home, "tailnet.json");
  const cached = await readCache(path);
  const age = cached === null ? Number.POSITIVE_INFINITY : clock() - cached.at;
  if (cached !== null && age >= 0 && age < FRESH_MS) return { machines: cached.machines, stale: null };
  try {
    const machines = await list();
    await writeCache(home, path, { at: clock(), machines });
    return { machines, stale: null };
  } catch (error) {
    if (cached === null || !(error instanceof WaybillError)) throw error;
    return { machines: cached.machines, stale: `as of ${new Date(cached.at).toISOString()}: ${error.message}` };
  }
}

/** A list that cannot be read is as good as none: the next answer replaces it. */
async function readCache(path: string): Promise<z.output<typeof cacheFile> | null> {
  try {
    return cacheFile.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return null;
  }
}

async function writeCache(home: string, path: string, content: object): Promise<void> {
  const fresh = `${path}.${randomUUID()}`;
  try {
    await mkdir(home, { recursive: true, mode: 0o700 });
    await writeFile(fresh, JSON.stringify(content), { mode: 0o600 });
    await rename(fresh, path);
  } catch {
    // A home that may only be read: then the API is asked each time.
  }
}
