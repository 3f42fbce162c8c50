/** `env:` of a plan entry or a machine: names and values that the program finds in its environment. */
import * as z from "zod";
import type { EnvValue } from "../domain/run.js";
import { describeValue, unknownKey, type ValueFault } from "./schema-issue.js";

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

type Sink = z.core.$RefinementCtx;

function report(ctx: Sink, input: unknown, fault: ValueFault): void {
  const params = fault.hint === undefined ? {} : { hint: fault.hint };
  ctx.addIssue({ code: "custom", input, path: [...fault.path], message: fault.message, params });
}

function checkName(name: string, at: readonly string[]): ValueFault | null {
  if (!NAME.test(name)) {
    return { path: at, message: `${JSON.stringify(name)} is not a variable's name`, hint: "letters, digits and _" };
  }
  if (!name.startsWith("WAYBILL_")) return null;
  return { path: at, message: `${name} cannot be set`, hint: "WAYBILL_* is what Waybill itself tells the program" };
}

/** A plain value as the text that a program will read, or null when it is none. */
function plainText(value: unknown): string | null {
  if (typeof value === "string") return value;
  return typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value)) ? String(value) : null;
}

function readEntry(name: string, value: unknown, allowFromEnv: boolean): EnvValue | ValueFault {
  const fault = checkName(name, [name]);
  if (fault !== null) return fault;
  const text = plainText(value);
  if (text?.includes("\0")) return { path: [name], message: "a NUL byte, which no environment can hold" };
  if (text !== null) return text;
  const expected = allowFromEnv ? "text, a number, true, false or { from_env: NAME }" : "text, a number, true or false";
  const wrong = { path: [name], message: `expected ${expected}, found ${describeValue(value)}` };
  if (!allowFromEnv || typeof value !== "object" || value === null || Array.isArray(value)) return wrong;
  const stranger = Object.keys(value).find((key) => key !== "from_env");
  if (stranger !== undefined) return unknownKey([name, stranger], stranger, ["from_env"]);
  const source: unknown = "from_env" in value ? value.from_env : undefined;
  if (source === undefined) return wrong;
  if (typeof source !== "string" || !NAME.test(source)) {
    return { path: [name, "from_env"], message: `expected a variable's name, found ${describeValue(source)}` };
  }
  return { fromEnv: source };
}

function readEnv(input: unknown, ctx: Sink, allowFromEnv: boolean): Record<string, EnvValue> {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    report(ctx, input, { path: [], message: `expected a map of names to values, found ${describeValue(input)}` });
    return z.NEVER;
  }
  // Not z.record: it drops a variable named `__proto__` without a word.
  const entries = Object.entries(input).flatMap(([name, value]): [string, EnvValue][] => {
    const read = readEntry(name, value, allowFromEnv);
    if (typeof read === "string" || "fromEnv" in read) return [[name, read]];
    report(ctx, input, read);
    return [];
  });
  return Object.fromEntries(entries);
}

/** Values may also be `{ from_env: NAME }`: read when the run starts, and never stored. */
export const planEnv = z.unknown().transform((input, ctx) => readEnv(input, ctx, true));

/** Plain values only: an inventory is read by many, and says nothing about whose environment would be meant. */
export const machineEnv = z
  .unknown()
  .transform((input, ctx) => readEnv(input, ctx, false) as Readonly<Record<string, string>>);
