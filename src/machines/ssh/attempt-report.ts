/** Reads what the verbs `observe`, `await` and `start` tell of attempts (supervisor/sh/80-observe.sh). */
import { type AttemptKey, LOST_PROOFS, type LostProof, type MachineAnswer } from "../../domain/machine.js";
import { parseExitLink, parseExitRecord, parseStartRecord } from "../../domain/machine-record.js";

/** One attempt as the machine told it. */
export interface AttemptReport {
  readonly key: AttemptKey;
  readonly answer: MachineAnswer;
  /** Bytes of the log at that moment; 0 when there is none. */
  readonly logBytes: number;
  /** False when the machine says that the attempt has ended and left none. */
  readonly mayHaveArtifacts: boolean;
}

/** The lines of one attempt end with a line of a dot; what comes after the last dot is still under way. */
const END = "\n.\n";

/** Takes the whole reports off the front of `text`; answers with them and with what is left. */
export function takeReports(text: string): { readonly reports: readonly AttemptReport[]; readonly rest: string } {
  const parts = text.split(END);
  const rest = parts.pop() ?? "";
  return { reports: parts.flatMap((part) => parseReport(part) ?? []), rest };
}

function parseReport(text: string): AttemptReport | null {
  const fields = new Map(text.split("\n").map((line) => splitOnce(line)));
  const key = parseKey(fields.get("attempt") ?? "");
  if (key === null) return null;
  const answer = toAnswer(fields, key);
  if (answer === null) return null;
  const mayHaveArtifacts = fields.get("artifacts") !== "none";
  return { key, answer, logBytes: Number(fields.get("size")) || 0, mayHaveArtifacts };
}

function splitOnce(line: string): [string, string] {
  const at = line.indexOf(" ");
  return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 1)];
}

function parseKey(text: string): AttemptKey | null {
  const match = /^(.+)\.(\d+)$/.exec(text);
  return match === null ? null : { runId: match[1] ?? "", attempt: Number(match[2]) };
}

/** Null for what is no answer: the other side is not trusted to speak of another attempt than the one it was asked for. */
function toAnswer(fields: ReadonlyMap<string, string>, key: AttemptKey): MachineAnswer | null {
  const start = ofAttempt(parseStartRecord(fields.get("start") ?? ""), key);
  switch (fields.get("state")) {
    case "absent":
      return { state: "absent" };
    case "prepared":
      return { state: "prepared" };
    case "starting":
      return { state: "starting" };
    case "busy":
      return { state: "busy", holder: fields.get("holder") ?? "" };
    case "running":
      return start === null ? null : { state: "running", start, logBytes: Number(fields.get("size")) || 0 };
    case "exit": {
      const text = fields.get("exit") ?? "";
      const exit = ofAttempt(parseExitRecord(text), key) ?? parseExitLink(text, key);
      return exit === null ? null : { state: "exit", exit, start };
    }
    case "lost": {
      const proof = fields.get("proof") as LostProof;
      return LOST_PROOFS.includes(proof) ? { state: "lost", proof, start, at: Date.now() } : null;
    }
    default:
      return null;
  }
}

const ofAttempt = <R extends { readonly run: string; readonly attempt: number }>(record: R | null, key: AttemptKey) =>
  record !== null && record.run === key.runId && record.attempt === key.attempt ? record : null;
