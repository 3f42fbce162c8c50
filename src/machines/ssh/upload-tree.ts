/** Brings a frozen tree to a machine: asked for first, sent as an archive, proven there before it gets its name. */
import { dirname, join } from "node:path";
import { WaybillError } from "../../domain/errors.js";
import { compareBytes, type TreeEntry } from "../../domain/tree.js";
import { readFacts } from "../machine-facts.js";
import { joinBytes } from "../tree/byte-path.js";
import type { FrozenTree } from "../tree/frozen-tree.js";
import { type ScannedEntry, scanTree } from "../tree/scan-tree.js";
import { entriesOf, readManifest } from "../tree/tree-manifest.js";
import { isCompressible } from "./compressible.js";
import { QUICK_MS, type RemoteAnswer, type RemoteShell } from "./remote-shell.js";
import { type Codec, isInstalled, openArchive } from "./tree-archive.js";
import { deltaOf } from "./tree-delta.js";
import { proofOf } from "./tree-proof.js";

/** A delta must spare at least half of the bytes: a copy of the base costs the machine something as well. */
const CLEARLY_SMALLER = 0.5;
/** Bytes of names that a request carries at most; what removes more is sent whole. */
const MOST_GONE_BYTES = 64 * 1024;
/** Exit statuses of `take_tree` (84-trees.sh). */
const STATUS = { unwritable: 5, baseUnusable: 6, notUnpacked: 7, damaged: 8 } as const;

/** What a machine says when it lacks a tree. */
interface Offer {
  readonly freeKib: number | null;
  readonly hasZstd: boolean;
  /** Hashes of its newest trees. */
  readonly trees: readonly string[];
}

/** How a tree is sent: `base` is null when all of it travels. */
interface Plan {
  readonly base: string | null;
  readonly gone: readonly string[];
  readonly fresh: readonly TreeEntry[];
  readonly files: readonly ScannedEntry[];
  readonly bytes: number;
}

/**
 * Puts a frozen tree into the machine's `trees/` unless it is there. Idempotent, and may be cut anywhere.
 *
 * Errors: `upload_failed` (what the machine or the local tar says), `disk_full` (found and needed), those of `RemoteShell`.
 */
export async function uploadTree(shell: RemoteShell, tree: FrozenTree, signal?: AbortSignal): Promise<void> {
  const about = { deadlineMs: QUICK_MS, ...(signal && { signal }) };
  const answer = await shell.call({ verb: "find_tree", args: [tree.hash], ...about });
  if (answer.status === 0) return;
  if (answer.status !== 1) throw refusal(tree, answer);
  const offer = readOffer(answer.output.toString());
  const entries = await entriesOf(tree, signal);
  const scanned = await scanTree(tree.path, { ignoring: false, ...(signal && { signal }) });
  const whole: Plan = { base: null, gone: [], fresh: entries, files: scanned, bytes: sizeOf(scanned) };
  const plan = (await smallestDelta(tree, entries, scanned, offer)) ?? whole;
  requireSpace(offer, plan);
  const sent = await send(shell, tree, entries, plan, offer, signal);
  if (sent.status === 0) return;
  if (plan.base === null || sent.status === STATUS.unwritable || isFull(sent)) throw refusal(tree, sent);
  // The base went meanwhile, or is not what its name says: then it cannot be built on.
  requireSpace(offer, whole);
  const again = await send(shell, tree, entries, whole, offer, signal);
  if (again.status !== 0) throw refusal(tree, again);
}

function readOffer(text: string): Offer {
  const facts = readFacts(text);
  const freeKib = facts.get("free_kib") ?? "";
  return {
    freeKib: /^\d+$/.test(freeKib) ? Number(freeKib) : null,
    hasZstd: (facts.get("zstd") ?? "") !== "",
    trees: [...text.matchAll(/^tree\t([0-9a-f]{64})$/gm)].flatMap(([, hash]) => hash ?? []),
  };
}

const sizeOf = (files: readonly ScannedEntry[]): number => files.reduce((sum, { size }) => sum + size, 0);

/** The cheapest way to build on a tree that the machine has and that is known here; null when none is clearly cheaper. */
async function smallestDelta(
  tree: FrozenTree,
  entries: readonly TreeEntry[],
  scanned: readonly ScannedEntry[],
  offer: Offer,
): Promise<Plan | null> {
  const byPath = new Map(scanned.map((entry) => [entry.path.toString("latin1"), entry]));
  let best: Plan | null = null;
  for (const base of offer.trees) {
    const known = await readManifest(join(dirname(tree.path), base), base);
    if (known === null) continue;
    const { gone, fresh } = deltaOf(known, entries);
    const files = fresh.flatMap(({ path }) => byPath.get(Buffer.from(path).toString("latin1")) ?? []);
    const bytes = sizeOf(files);
    const names = removable(gone);
    if (names === null || bytes > sizeOf(scanned) * CLEARLY_SMALLER || fresh.length > entries.length * CLEARLY_SMALLER)
      continue;
    if (best === null || bytes < best.bytes) best = { base, gone: names, fresh, files, bytes };
  }
  return best;
}

/** Paths as arguments of a request; null when they are too many, or not UTF-8 and cannot be arguments. */
function removable(paths: readonly Uint8Array[]): readonly string[] | null {
  const names = paths.map((path) => joinBytes(".", path));
  if (names.reduce((sum, name) => sum + name.length, 0) > MOST_GONE_BYTES) return null;
  const texts = names.map((name) => name.toString("utf8"));
  return texts.every((text, index) => compareBytes(Buffer.from(text), names[index] ?? Buffer.alloc(0)) === 0)
    ? texts
    : null;
}

async function send(
  shell: RemoteShell,
  tree: FrozenTree,
  entries: readonly TreeEntry[],
  plan: Plan,
  offer: Offer,
  signal?: AbortSignal,
): Promise<RemoteAnswer> {
  const hasZstd = offer.hasZstd && (await isInstalled("zstd"));
  const codec: Codec = hasZstd && (await isCompressible(tree.path, plan.files)) ? "zstd" : "none";
  const { counts, digests } = proofOf(entries);
  const archive = openArchive({ tree, only: plan.base === null ? null : plan.fresh, codec });
  try {
    const answer = await shell.call({
      verb: "take_tree",
      args: [tree.hash, codec, plan.base ?? "none", counts, digests, ...plan.gone],
      input: archive,
      deadlineMs: null,
      ...(signal && { signal }),
    });
    const failure = answer.status === 0 ? null : archive.failure();
    if (failure !== null) throw failure;
    return answer;
  } catch (cause) {
    signal?.throwIfAborted();
    throw archive.failure(cause) ?? cause;
  } finally {
    archive.stop();
  }
}

function requireSpace({ freeKib }: Offer, { bytes }: Plan): void {
  const needed = Math.ceil(bytes / 1024);
  if (freeKib === null || needed <= freeKib) return;
  throw new WaybillError("disk_full", `The machine has ${freeKib} KiB free, and the directory needs ${needed} KiB.`, {
    hint: "Free some space below the machine's work directory, or leave large files out with .waybillignore.",
    details: { found_kib: freeKib, needed_kib: needed },
  });
}

const isFull = ({ output }: RemoteAnswer): boolean => /No space left|quota/i.test(output.toString());

function refusal(tree: FrozenTree, answer: RemoteAnswer): WaybillError {
  const said = answer.output.toString().trim().slice(-500);
  const details = { tree: tree.hash, status: answer.status, output: said };
  if (isFull(answer)) {
    return new WaybillError("disk_full", `The machine has no space left for the directory: ${said}`, {
      hint: "Free some space below the machine's work directory, or leave large files out with .waybillignore.",
      details,
    });
  }
  const what: Record<number, string> = {
    [STATUS.notUnpacked]: "could not be unpacked with tar",
    [STATUS.damaged]: "arrived, but not as it was sent",
  };
  return new WaybillError(
    "upload_failed",
    `The directory ${what[answer.status] ?? "cannot be written"}: ${said || "no reason was given"}.`,
    {
      hint:
        answer.status === STATUS.damaged
          ? `Ask again. When it stays, the frozen copy changed: remove ${tree.path} and submit the directory again.`
          : "The work directory must be writable on the machine and tar installed there; `waybill machines check` says more.",
      details,
    },
  );
}
