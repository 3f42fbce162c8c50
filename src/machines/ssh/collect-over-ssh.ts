/** `collect` over a machine's shell: the same folder as a local one makes, from a machine that is not trusted. */
import { mkdir, statfs } from "node:fs/promises";
import { resolve } from "node:path";
import { isDiskFull } from "../../domain/disk-full.js";
import { WaybillError } from "../../domain/errors.js";
import type { AttemptKey } from "../../domain/machine.js";
import { parseManifest } from "../artifacts/artifact-manifest.js";
import {
  countFiles,
  findBrought,
  finishBringing,
  isFile,
  keepingBrought,
  mustBeSealed,
  mustBeTheSealed,
  refusal,
  refuseLate,
  unsealed,
} from "../artifacts/brought-artifacts.js";
import { selectEntries, selectionOf } from "../artifacts/selection.js";
import { attemptArguments } from "../attempt-name.js";
import type { Collected, CollectOptions } from "../machine-port.js";
import { type ArtifactList, parseArtifactList } from "./artifact-list.js";
import type { AttemptReport } from "./attempt-report.js";
import { fetchArtifacts } from "./fetch-artifacts.js";
import { fetchLog } from "./fetch-log.js";
import { type Missing, PartialFolder } from "./partial-folder.js";
import { readBounded } from "./read-answer.js";
import type { RemoteShell } from "./remote-shell.js";

/** Bounds memory against a machine that never ends its list; enough for some 250,000 files with long names. */
const LONGEST_LIST = 64 * 1024 * 1024;

/** What the machine said last; without the rest of the report, everything is asked for. */
export type Said = Pick<AttemptReport, "answer"> & Partial<Pick<AttemptReport, "logBytes" | "mayHaveArtifacts">>;

/**
 * Brings log and artifacts of an attempt to `destination`, on disk as `collectArtifacts` does for a local machine.
 *
 * @param said what the machine says of the attempt. What it says that there is not, it is not asked for.
 * @throws `artifact_failed` naming path and reason, and then no artifact is brought at all; `disk_full` of this computer;
 *   `machine_unreachable` when cut: what has come is kept in a hidden folder, and not asked for again.
 */
export async function collectOverShell(
  shell: RemoteShell,
  key: AttemptKey,
  said: Said,
  destination: string,
  options: CollectOptions = {},
): Promise<Collected> {
  try {
    await mkdir(destination, { recursive: true, mode: 0o700 });
    const { answer, logBytes = null, mayHaveArtifacts = true } = said;
    const logPath = await fetchLog(shell, key, { answer, logBytes }, destination, options.signal);
    const brought = { logPath, artifactsPath: null, files: 0, bytes: 0, left: 0 };
    if (answer.state === "running" || answer.state === "starting") return brought;
    const hash = answer.state === "exit" ? answer.exit.artifacts_manifest_hash : null;
    const selects = selectionOf(options.globs);
    const earlier = hash === null ? null : await findBrought(destination, hash, logPath, selects);
    if (earlier !== null) return earlier;
    const list = hash === null && !mayHaveArtifacts ? null : await listArtifacts(shell, key, options.signal);
    if (list === null) return (await findBrought(destination, hash, logPath, selects)) ?? brought;
    if (hash === null && list.entries.length === 0) return brought;
    return await bring({ shell, key, destination, logPath, hash, list, options });
  } catch (cause) {
    throw asFailure(destination, cause);
  }
}

/** Null when the machine has no such folder. */
async function listArtifacts(shell: RemoteShell, key: AttemptKey, signal?: AbortSignal): Promise<ArtifactList | null> {
  const call = { verb: "artifacts", args: attemptArguments(key), input: new Uint8Array(), deadlineMs: null };
  const { status, output } = await readBounded(shell, { ...call, ...(signal && { signal }) }, LONGEST_LIST);
  if (output === null) throw refusal("artifacts", `came with a list of more than ${LONGEST_LIST} bytes`);
  if (status === 1) return null;
  if (status === 3) throw refusal("artifacts", "is no longer the folder that the program was given");
  if (status !== 0) throw refusal("artifacts", `cannot be listed there (status ${status})`);
  return parseArtifactList(output);
}

interface Bringing {
  readonly shell: RemoteShell;
  readonly key: AttemptKey;
  readonly destination: string;
  readonly logPath: string;
  /** In the exit record; null: there was none, or none with a hash. */
  readonly hash: string | null;
  readonly list: ArtifactList;
  readonly options: CollectOptions;
}

async function bring({ shell, key, destination, logPath, hash, list, options }: Bringing): Promise<Collected> {
  const { entries } = list;
  if (hash === null && list.sealed) return refuseLate(entries);
  const manifest = hash === null ? unsealed(mustBeReadable(list.manifest)) : mustBeSealed(list.manifest, hash);
  mustBeTheSealed(
    entries.filter(isFile).map((entry) => entry.path.toString("latin1")),
    manifest.files,
  );
  // What could not be sealed is brought whole or not at all.
  const selects = await keepingBrought(selectionOf(options.globs), destination);
  const wanted = hash === null ? entries : selectEntries(entries, selects);
  const folder = new PartialFolder(destination, wanted, manifest.files);
  try {
    const missing = await folder.prepare(resolve(destination, "artifacts"), options.signal);
    await mustFit(destination, missing);
    await fetchArtifacts(shell, key, folder, missing, options.signal);
    await folder.addLinks();
  } catch (error) {
    // What is refused is refused as a whole; what was merely cut is kept.
    if (error instanceof WaybillError && error.code === "artifact_failed") await folder.remove();
    throw error;
  }
  const artifactsPath = await finishBringing(folder.path, destination, manifest);
  const counts = countFiles(wanted);
  return { logPath, artifactsPath, ...counts, left: manifest.files.size - counts.files };
}

function mustBeReadable(text: Buffer): ReadonlyMap<string, string> {
  const files = parseManifest(text);
  if (files === null) throw refusal("artifacts", "came with a list of hashes that cannot be read");
  return files;
}

/** @throws `disk_full` before a byte has come, rather than after the last that fits. */
async function mustFit(destination: string, missing: readonly Missing[]): Promise<void> {
  const { bavail, bsize } = await statfs(destination);
  const needed = missing.reduce((sum, { entry, from }) => sum + entry.size - from, 0);
  if (needed > bavail * bsize)
    throw noSpace(destination, `The artifacts need ${needed} bytes, ${bavail * bsize} are free.`);
}

const noSpace = (destination: string, message: string, cause?: unknown): WaybillError =>
  new WaybillError("disk_full", `Cannot bring artifacts to ${destination}: ${message}`, {
    hint: "Free some space on this computer, then run `waybill runs artifacts --fetch`, or ask for fewer with --artifacts.",
    details: { path: destination },
    cause,
  });

/** Gives failures of this computer's file system a code. */
function asFailure(destination: string, cause: unknown): unknown {
  const { code, message, name } = cause as NodeJS.ErrnoException;
  if (cause instanceof WaybillError || code === undefined || name === "AbortError") return cause;
  if (isDiskFull(code)) return noSpace(destination, message, cause);
  return refusal(destination, `cannot be written (${message})`, cause);
}
