/** Brings the contents of announced files, one after another, in as few requests as there are files to go on with. */
import type { AttemptKey } from "../../domain/machine.js";
import { refusal } from "../artifacts/brought-artifacts.js";
import { attemptArguments } from "../attempt-name.js";
import { showBytes } from "../tree/byte-path.js";
import type { Missing, PartialFolder, Receipt } from "./partial-folder.js";
import type { RemoteShell } from "./remote-shell.js";

const [HERE, NUL] = [Buffer.from("./"), Buffer.from([0])];

/**
 * Fills the folder with what is missing. There is no archive: names and sizes were announced and judged before, so the
 * stream is nothing but contents, and no byte of it can say where it should go.
 *
 * Errors: `machine_unreachable` when cut (what came is kept), `artifact_failed` when it is not what was announced.
 */
export async function fetchArtifacts(
  shell: RemoteShell,
  key: AttemptKey,
  folder: PartialFolder,
  missing: readonly Missing[],
  signal?: AbortSignal,
): Promise<void> {
  for (const one of missing.filter(({ from }) => from > 0))
    await fetchFiles(shell, key, folder, [one], one.from, signal);
  const whole = missing.filter(({ from }) => from === 0);
  // What is empty needs no request, and would end no stream.
  for (const one of whole.filter(({ entry }) => entry.size === 0)) await (await folder.receive(one)).finish();
  const rest = whole.filter(({ entry }) => entry.size > 0);
  if (rest.length > 0) await fetchFiles(shell, key, folder, rest, 0, signal);
}

async function fetchFiles(
  shell: RemoteShell,
  key: AttemptKey,
  folder: PartialFolder,
  files: readonly Missing[],
  from: number,
  signal?: AbortSignal,
): Promise<void> {
  const args = [...attemptArguments(key), String(from)];
  const input = Buffer.concat(files.flatMap(({ entry }) => [HERE, entry.path, NUL]));
  const stream = shell.open({ verb: "send_artifacts", args, input, deadlineMs: null, ...(signal && { signal }) });
  const waiting = files[Symbol.iterator]();
  let receipt: Receipt | null = null;
  try {
    for await (const piece of stream.output) {
      for (let rest = piece; rest.length > 0; ) {
        receipt ??= await next(waiting, folder);
        rest = await receipt.take(rest);
        if (receipt.left > 0) continue;
        const whole: Receipt = receipt;
        receipt = null;
        await whole.finish();
      }
    }
    const late = receipt === null ? waiting.next().value : files.find(({ entry }) => receipt?.isOf(entry));
    if (late !== undefined) throw refusal(showBytes(late.entry.path), "came shorter than was announced");
    await stream.status;
  } finally {
    await receipt?.close();
    stream.close();
  }
}

async function next(waiting: Iterator<Missing>, folder: PartialFolder): Promise<Receipt> {
  const { value, done } = waiting.next();
  if (done === true) throw refusal("artifacts", "came with more bytes than were announced");
  return await folder.receive(value as Missing);
}
