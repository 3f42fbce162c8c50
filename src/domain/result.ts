/**
 * What a worker answered, in version 2 of the record.
 *
 * Two authors write it, each in fields of its own: the worker gives the verdict (`kind`, `summary` and what belongs to
 * them), whoever supervised it says in `substrate` what the infrastructure did to it. So "the work failed" is never
 * taken for "the machine failed".
 */
import type { JsonValue } from "./canonical-json.js";
import { WaybillError } from "./errors.js";

/** `fork`: done, to be looked at by a person before it counts. `needs_input`: a question for a person; the summary is it. */
export const RESULT_KINDS = ["success", "fork", "fail", "cancelled", "needs_input"] as const;
export type ResultKind = (typeof RESULT_KINDS)[number];

/** A result has at most so many characters as JSON. Larger things belong into a file, and its name into `artifacts`. */
export const LONGEST_RESULT = 16 * 1024 * 1024;
/** How deep lists and objects may stand in one another. */
const DEEPEST = 32;

/** What the infrastructure did to the worker: a short word for programs, and what was said about it. One may be empty. */
export interface Substrate {
  readonly fault: string;
  readonly error: string;
}

export interface ResultArtifact {
  readonly type: string;
  readonly [field: string]: JsonValue;
}

/** Work that the worker found and did not do. */
export interface Followup {
  readonly title: string;
  readonly [field: string]: JsonValue;
}

/** Fields beyond these are kept as they are. */
export interface WorkerResult {
  readonly v: 2;
  readonly kind: ResultKind;
  /** What was done, why it failed, or what is asked; any text, the empty one too. */
  readonly summary: string;
  readonly branch?: string;
  readonly rev?: string;
  readonly artifacts?: readonly ResultArtifact[];
  readonly substrate?: Substrate;
  /** Tokens, money, time: numbers or text by name. */
  readonly usage?: Readonly<Record<string, number | string>>;
  readonly followups?: readonly Followup[];
}

/** As callers give it: the version goes without saying. */
export type ResultMessage = Omit<WorkerResult, "v">;

export type ResultReading =
  | { readonly ok: true; readonly result: WorkerResult }
  | { readonly ok: false; readonly reason: string };

/** What a result makes of its task: `again` is another attempt where the retry policy has one left, `lost` counts a crash. */
export type ResultVerdict = "complete" | "review" | "answer" | "again" | "lost" | "cancel";

const VERDICTS = {
  success: "complete",
  fork: "review",
  needs_input: "answer",
  fail: "again",
  cancelled: "cancel",
} as const satisfies Record<ResultKind, ResultVerdict>;

/** A failure that the infrastructure brought about is none of the worker's. */
export const judgeResult = ({ kind, substrate }: Pick<WorkerResult, "kind" | "substrate">): ResultVerdict =>
  kind === "fail" && substrate !== undefined ? "lost" : VERDICTS[kind];

/** What is known of a loss, for people: the word for it, what was said about it, and the worker's own words. */
export const describeLoss = ({ summary, substrate }: Pick<WorkerResult, "summary" | "substrate">): string =>
  [substrate?.fault, substrate?.error, summary].filter((text) => text !== undefined && text !== "").join(": ");

/** What is wrong with a value, as the end of a sentence that begins with its name; null when nothing is. */
type Check = (value: unknown) => string | null;
type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields => {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

function describe(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  return typeof value === "object" ? "an object" : `the ${typeof value} ${String(value)}`;
}

const text: Check = (value) => (typeof value === "string" ? null : `is ${describe(value)}; expected text`);

const oneOfKinds: Check = (value) =>
  (RESULT_KINDS as readonly unknown[]).includes(value)
    ? null
    : `is ${describe(value)}; expected one of ${RESULT_KINDS.join(", ")}`;

const substrate: Check = (value) => {
  if (!isObject(value)) return `is ${describe(value)}; expected an object with fault and error`;
  const wrong = ["fault", "error"].find((name) => value[name] != null && typeof value[name] !== "string");
  return wrong === undefined ? null : `has the ${wrong} ${describe(value[wrong])}; expected text`;
};

const usage: Check = (value) => {
  if (!isObject(value)) return `is ${describe(value)}; expected an object of numbers and texts`;
  const wrong = Object.keys(value).find((name) => !["number", "string"].includes(typeof value[name]));
  return wrong === undefined ? null : `has ${describe(value[wrong])} as ${wrong}; expected a number or text`;
};

/** A list of objects that have `name`, a text that says something. */
const listOf =
  (name: string): Check =>
  (value) => {
    if (!Array.isArray(value)) return `is ${describe(value)}; expected a list of objects with ${name}`;
    const index = value.findIndex((item) => !isObject(item) || typeof item[name] !== "string" || item[name] === "");
    return index < 0 ? null : `has an item [${index}] without ${name}; expected objects that have it as text`;
  };

const REQUIRED: Readonly<Record<string, Check>> = {
  v: (value) => (value === 2 ? null : `is ${describe(value)}; expected 2`),
  kind: oneOfKinds,
  summary: text,
};
const OPTIONAL: Readonly<Record<string, Check>> = {
  branch: text,
  rev: text,
  artifacts: listOf("type"),
  substrate,
  usage,
  followups: listOf("title"),
};

/** Whether JSON holds the value as it is, and not too deep. */
function isJson(value: unknown, depth: number): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (depth === 0) return false;
  if (Array.isArray(value)) return value.every((inner) => isJson(inner, depth - 1));
  return isObject(value) && Object.values(value).every((inner) => isJson(inner, depth - 1));
}

/** Nothing is said by an empty branch, a fault without words, or a field that is null: such fields are left out. */
function withoutNothing(given: Fields): Fields {
  const said = Object.entries(given).filter(([name, value]) => {
    return value !== undefined && !(Object.hasOwn(OPTIONAL, name) && (value === null || value === ""));
  });
  return Object.fromEntries(said);
}

function withWholeSubstrate(fields: Fields): Fields {
  if (!isObject(fields.substrate)) return fields;
  const { substrate: told, ...rest } = fields;
  const whole = { ...told, fault: told.fault ?? "", error: told.error ?? "" };
  return whole.fault === "" && whole.error === "" ? rest : { ...rest, substrate: whole };
}

function faultOf(fields: Fields): string | null {
  for (const [name, check] of Object.entries(REQUIRED)) {
    const wrong = check(fields[name]);
    if (wrong !== null) return `${name} ${wrong}`;
  }
  for (const [name, check] of Object.entries(OPTIONAL)) {
    const wrong = name in fields ? check(fields[name]) : null;
    if (wrong !== null) return `${name} ${wrong}`;
  }
  const odd = Object.keys(fields).find((name) => !isJson(fields[name], DEEPEST));
  return odd === undefined ? null : `${odd} holds what JSON cannot, or is nested more than ${DEEPEST} deep`;
}

/** Reads a value as a result: a copy of it, or what is wrong with it, as a sentence. Never throws. */
export function readResult(value: unknown): ResultReading {
  if (!isObject(value)) return { ok: false, reason: `The result is ${describe(value)}; expected a JSON object.` };
  const fields = withoutNothing(value);
  const wrong = faultOf(fields);
  if (wrong !== null) return { ok: false, reason: `The result's ${wrong}.` };
  const json = JSON.stringify(withWholeSubstrate(fields));
  if (json.length <= LONGEST_RESULT) return { ok: true, result: JSON.parse(json) as WorkerResult };
  const reason = `The result has ${json.length} characters as JSON; at most ${LONGEST_RESULT} fit.`;
  return { ok: false, reason };
}

/** The record of what a caller says. Errors: `invalid_result`. */
export function toResult(message: ResultMessage): WorkerResult {
  const reading = readResult(isObject(message) ? { v: 2, ...message } : message);
  if (reading.ok) return reading.result;
  throw new WaybillError("invalid_result", reading.reason, {
    hint: 'For example {"kind":"success","summary":"tests pass"}.',
  });
}
