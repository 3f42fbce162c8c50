/**
 * Reads the records that a machine writes. They come from the other side, so every field is checked; text that is not
 * a whole, valid record is no record (a torn write after power loss must not become an outcome).
 */
import { type AttemptKey, EXIT_REASONS, type ExitReason, type ExitRecord, type StartRecord } from "./machine.js";

type Fields = Record<string, unknown>;

function parseObject(text: string): Fields | null {
  const trimmed = text.trim();
  if (!trimmed.startsWith("{")) return null;
  try {
    // What parses and starts with a brace is an object.
    return JSON.parse(trimmed) as Fields;
  } catch {
    // A torn record is expected after power loss and means "no record"; the caller then asks for proof of death.
    return null;
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isText = (value: unknown): value is string => typeof value === "string" && value.length > 0;
const isHeader = (f: Fields): boolean => f.v === 1 && isText(f.run) && isCount(f.attempt) && isCount(f.fence);

/** @returns the start record, or null when `text` is not a whole one. */
export function parseStartRecord(text: string): StartRecord | null {
  const f = parseObject(text);
  if (f === null || !isHeader(f)) return null;
  const numbers = [f.pid, f.supervisor, f.watchdog, f.started];
  const texts = [f.pid_start, f.supervisor_start, f.watchdog_start, f.boot];
  return numbers.every(isCount) && texts.every(isText) ? (f as unknown as StartRecord) : null;
}

/** @returns the exit record, or null when `text` is not a whole one. */
export function parseExitRecord(text: string): ExitRecord | null {
  const f = parseObject(text);
  if (f === null || !isHeader(f) || !isCount(f.log_bytes) || !isCount(f.ended)) return null;
  const code = f.code === null || isCount(f.code);
  const started = f.started === null || isCount(f.started);
  const manifest = f.artifacts_manifest_hash === null || isText(f.artifacts_manifest_hash);
  const reason = EXIT_REASONS.includes(f.reason as ExitReason);
  return code && started && manifest && reason ? (f as unknown as ExitRecord) : null;
}

/**
 * The exit record that a supervisor leaves on a disk without space for a file: a link to `CODE|REASON|FENCE|ENDED`.
 *
 * @returns null when the text is not a whole one.
 */
export function parseExitLink(text: string, key: AttemptKey): ExitRecord | null {
  const [code = "", reason = "", fence = "", ended = ""] = text.trim().split("|");
  const record = {
    v: 1,
    run: key.runId,
    attempt: key.attempt,
    fence: numberOf(fence),
    code: code === "null" ? null : numberOf(code),
    reason,
    log_bytes: 0,
    artifacts_manifest_hash: null,
    started: null,
    ended: numberOf(ended),
  };
  return parseExitRecord(JSON.stringify(record));
}

const numberOf = (text: string): number => (/^\d+$/.test(text) ? Number(text) : -1);
