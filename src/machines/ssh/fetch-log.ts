/** Brings a log and the notes of its growth, going on from what is here already. */
import { open, rename, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { AttemptKey, MachineAnswer } from "../../domain/machine.js";
import { refusal } from "../artifacts/brought-artifacts.js";
import { temporaryName } from "../tree/freeze-tree.js";
import { growthOverShell, openLogOverShell } from "./remote-log.js";
import type { RemoteShell } from "./remote-shell.js";

/**
 * Appends to `destination/log` what is missing of it; a log that was forgotten or never begun counts as empty, unless an
 * earlier collection has brought it.
 *
 * @param said what the machine says of the attempt, and of how many bytes its log is; null when it did not say.
 * @returns the path of the copy. @throws `artifact_failed` when the machine has less than the exit record says.
 */
export async function fetchLog(
  shell: RemoteShell,
  key: AttemptKey,
  { answer, logBytes }: { readonly answer: MachineAnswer; readonly logBytes: number | null },
  destination: string,
  signal?: AbortSignal,
): Promise<string> {
  const path = resolve(destination, "log");
  // An exit record that is a link says 0, for want of room: then the machine's own count is all there is.
  const sealed = answer.state === "exit" ? answer.exit.log_bytes : 0;
  if (answer.state === "exit" && sealed === 0 && logBytes === 0) {
    // Nothing was ever written, and nothing more will be.
    await (await open(path, "a", 0o600)).close();
    return path;
  }
  const noting = growthOverShell(shell, key, signal);
  // Asked for beside the log; when both fail, the log's failure is told.
  noting.catch(() => undefined);
  await fetchMissing(shell, key, path, sealed, signal);
  const notes = await noting;
  if (notes !== "") await replace(`${path}.times`, notes);
  return path;
}

async function fetchMissing(
  shell: RemoteShell,
  key: AttemptKey,
  path: string,
  sealed: number,
  signal?: AbortSignal,
): Promise<void> {
  const file = await open(path, "a", 0o600);
  try {
    const { size } = await file.stat();
    if (sealed > 0 && size === sealed) return;
    const log = await openLogOverShell(shell, key, size, signal);
    if (log === null) return;
    try {
      if (log.size < Math.max(sealed, size)) throw tooShort(log.size, Math.max(sealed, size));
      for await (const piece of log.bytes) await file.appendFile(piece);
    } finally {
      log.close();
    }
    const now = (await file.stat()).size;
    if (now !== log.size) throw tooShort(now, log.size);
    await file.sync();
  } finally {
    await file.close();
  }
}

const tooShort = (found: number, expected: number): Error => refusal("log", `has ${found} bytes, expected ${expected}`);

async function replace(path: string, content: string): Promise<void> {
  const fresh = `${path}.${temporaryName()}`;
  await writeFile(fresh, content, { encoding: "latin1", mode: 0o600 });
  await rename(fresh, path);
}
