/** Says what zod found wrong with a value in the words of the people who write the file. */
import type * as z from "zod";
import { nearest } from "../domain/nearest.js";
import type { ValuePath } from "./file-problem.js";

/** One fault of a value; `path` leads to the value, or with `at: "key"` to the key. */
export interface ValueFault {
  readonly path: ValuePath;
  readonly message: string;
  readonly hint?: string;
  readonly at?: "key";
}

const PLURAL: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  record: "a map",
};

/** What a limit of such a value counts; of a number nothing but itself. */
const UNITS: Readonly<Record<string, readonly [one: string, many: string]>> = {
  string: ["character", "characters"],
  array: ["entry", "entries"],
};

function countOf(limit: number | bigint, origin: string): string {
  const unit = UNITS[origin]?.[Number(limit) === 1 ? 0 : 1];
  return unit === undefined ? String(limit) : `${limit} ${unit}`;
}

/** `found` in words: what YAML read, which is not always what its author thinks (`yes`, `1.10`, an empty value). */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  return typeof value === "string" ? JSON.stringify(value) : `the ${typeof value} ${String(value)}`;
}

/** Turns one issue into the faults to report: an unknown key each, a missing key by its name, else what was expected. */
export function describeIssue(issue: z.core.$ZodIssue, schema: z.ZodType, root: unknown): ValueFault[] {
  const path = issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(schema, path);
    return issue.keys.map((key) => unknownKey([...path, key], key, known));
  }
  const value = valueAt(root, path);
  const last = path.at(-1);
  if (value === undefined && typeof last === "string") return [{ path, message: `missing key "${last}"` }];
  // What a schema says in its own words goes before ours.
  const isOwn = issue.message.startsWith("expected");
  if (issue.code === "custom" || isOwn) {
    const hint: unknown = issue.code === "custom" ? issue.params?.hint : undefined;
    const found = isOwn && !issue.message.includes(", found");
    const message = found ? `${issue.message}, found ${describeValue(value)}` : issue.message;
    return [{ path, message, ...(typeof hint === "string" ? { hint } : {}) }];
  }
  return [wrongValue(path, issue, value)];
}

/** A fault in a line: `retries: expected at most 10, found the number 11`. */
export const sayFault = ({ path, message, hint }: ValueFault): string =>
  `${path.length === 0 ? "" : `${path.join(".")}: `}${message}${hint === undefined ? "" : ` (${hint})`}`;

/** The fault of a key that nobody reads, with the known key that is nearest to it. */
export function unknownKey(path: ValuePath, key: string, known: readonly string[]): ValueFault {
  const near = nearest(key, known);
  const hint = near === null ? `known keys: ${known.join(", ")}` : `did you mean "${near}"?`;
  return { path, at: "key", message: `unknown key ${JSON.stringify(key)}`, hint };
}

function wrongValue(path: ValuePath, issue: z.core.$ZodIssue, value: unknown): ValueFault {
  const found = describeValue(value);
  switch (issue.code) {
    case "invalid_type": {
      const message = `expected ${PLURAL[issue.expected] ?? issue.expected}, found ${found}`;
      const quote = issue.expected === "string" && (typeof value === "number" || typeof value === "boolean");
      return quote ? { path, message, hint: `write "${String(value)}" in quotes` } : { path, message };
    }
    case "invalid_value": {
      const known = issue.values.map(String);
      const near = typeof value === "string" ? nearest(value, known) : null;
      const message = `expected ${known.join(" or ")}, found ${found}`;
      return near === null ? { path, message } : { path, message, hint: `did you mean "${near}"?` };
    }
    case "too_small":
      return { path, message: `expected at least ${countOf(issue.minimum, issue.origin)}, found ${found}` };
    case "too_big":
      return { path, message: `expected at most ${countOf(issue.maximum, issue.origin)}, found ${found}` };
    default:
      return { path, message: `${issue.message}, found ${found}` };
  }
}

function valueAt(root: unknown, path: ValuePath): unknown {
  return path.reduce<unknown>((value, part) => {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
    return (value as Record<string | number, unknown>)[part];
  }, root);
}

/** The keys that a closed map at `path` has, read off the schema; zod's issue names only the unknown ones. */
function keysAt(schema: z.core.$ZodType, path: ValuePath): string[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  const [part, ...rest] = path;
  switch (def.type) {
    case "optional":
    case "nullable":
    case "default":
      return keysAt(def.innerType, path);
    case "pipe":
      // A preprocessed value is described by what it becomes.
      return keysAt(def.in._zod.def.type === "transform" ? def.out : def.in, path);
    case "array":
      return keysAt(def.element, rest);
    case "record":
      return keysAt(def.valueType, rest);
    case "object": {
      if (part === undefined) return Object.keys(def.shape);
      const inner = def.shape[part];
      return inner === undefined ? [] : keysAt(inner, rest);
    }
    default:
      return [];
  }
}
