/**
 * Options as callers give them who may have no compiler: a key that nobody reads and a value of the wrong kind are refused
 * by name, with what was expected and what was probably meant. What is `undefined` counts as left out.
 */
import { wholeDelay } from "../domain/delay.js";
import { WaybillError } from "../domain/errors.js";
import { nearest } from "../domain/nearest.js";
import { shown } from "./shown.js";

/** Where a value stands, and whose option it is: `retry.maxAttempts` of `the task "resize"`; the owner may be empty. */
interface Place {
  readonly path: string;
  readonly owner: string;
}

export interface Rule {
  /** Errors: `invalid_input`. */
  readonly check: (value: unknown, place: Place) => void;
  /** Of a value that has options of its own. */
  readonly keys?: readonly string[];
}

export type Rules<Options> = { readonly [Name in keyof Options]-?: Rule };

/** Values are shown up to this length; characters. */
const LONGEST_VALUE = 80;

const briefly = (value: unknown): string => {
  const text = typeof value === "string" ? JSON.stringify(value) : shown(value).replaceAll(/\s+/g, " ");
  return text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE)}…`;
};

const inWords = ({ path, owner }: Place): string => [path, owner].filter((part) => part !== "").join(" of ");

/** A value that has to be something else. */
export function refuseValue(value: unknown, place: Place, expected: string, hint?: string): never {
  const found = value === undefined ? "missing" : briefly(value);
  const text = `${inWords(place)} is ${found}; expected ${expected}.`;
  throw new WaybillError("invalid_input", text, {
    details: { option: place.path },
    ...(hint === undefined ? {} : { hint }),
  });
}

/** A rule for values that `fits` takes. @param expected in words, to go after "expected" */
export const fitting = (expected: string, fits: (value: unknown) => boolean): Rule => ({
  check: (value, place) => {
    if (!fits(value)) refuseValue(value, place, expected);
  },
});

export const anyValue: Rule = { check: () => undefined };
export const anyFunction = fitting("a function", (value) => typeof value === "function");
export const anyText = fitting("a text", (value) => typeof value === "string");
export const someText = fitting("a text that is not empty", (value) => typeof value === "string" && value !== "");
export const flag = fitting("true or false", (value) => typeof value === "boolean");
export const delay = fitting(
  "a number of milliseconds from 0",
  (value) => typeof value === "number" && value >= 0 && wholeDelay(value) !== null,
);

/** @param most default any that a number holds exactly */
export const whole = (least: number, most = Number.MAX_SAFE_INTEGER): Rule => {
  const range = `${least === Number.MIN_SAFE_INTEGER ? "" : ` from ${least}`}`;
  const limit = most === Number.MAX_SAFE_INTEGER ? "" : ` to ${most}`;
  return fitting(`a whole number${range}${limit}`, (value) => {
    return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
  });
};

export const numberFrom = (least: number, most = Number.MAX_VALUE): Rule =>
  fitting(`a number from ${least}${most === Number.MAX_VALUE ? "" : ` to ${most}`}`, (value) => {
    return typeof value === "number" && value >= least && value <= most;
  });

export function oneOf(known: readonly string[]): Rule {
  const expected = known.map((one) => JSON.stringify(one)).join(" or ");
  return {
    check: (value, place) => {
      if (typeof value === "string" && known.includes(value)) return;
      const near = typeof value === "string" ? nearest(value, known) : null;
      refuseValue(value, place, expected, near === null ? undefined : `Did you mean "${near}"?`);
    },
  };
}

export const orNull = (rule: Rule): Rule => ({
  check: (value, place) => {
    if (value !== null) rule.check(value, place);
  },
});

export const listOf = (rule: Rule): Rule => ({
  check: (value, place) => {
    if (!Array.isArray(value)) refuseValue(value, place, "a list");
    for (const [at, item] of value.entries()) rule.check(item, { ...place, path: `${place.path}[${at}]` });
  },
});

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Any keys, and one rule for what stands under them. */
export const mapOf = (rule: Rule): Rule => ({
  check: (value, place) => {
    if (!isMap(value)) refuseValue(value, place, "an object");
    for (const [key, one] of Object.entries(value)) rule.check(one, { ...place, path: `${place.path}.${key}` });
  },
});

/** A text is judged by one rule, anything else by the other. */
export const textOr = (text: Rule, other: Rule): Rule => ({
  check: (value, place) => (typeof value === "string" ? text : other).check(value, place),
});

export interface Closed<Options> {
  readonly required?: readonly (keyof Options & string)[];
  /** What other libraries call an option, and what it is here. */
  readonly meant?: Readonly<Record<string, string>>;
}

/** These keys and no others. */
export function closed<Options>(rules: Rules<Options>, { required = [], meant = {} }: Closed<Options> = {}): Rule {
  const known = rules as Readonly<Record<string, Rule>>;
  const keys = Object.keys(known);
  const check = (value: unknown, place: Place): void => {
    if (!isMap(value)) refuseValue(value, { ...place, path: place.path || "What was given" }, "an object");
    const placeOf = (key: string): Place => ({ ...place, path: place.path === "" ? key : `${place.path}.${key}` });
    for (const key of Object.keys(value)) {
      const rule = Object.hasOwn(known, key) ? known[key] : undefined;
      if (rule === undefined) refuseKey(key, placeOf(key), known, meant);
      if (value[key] !== undefined) rule.check(value[key], placeOf(key));
    }
    for (const key of required) {
      // What it has to be is said by its own rule.
      if (value[key] === undefined) known[key]?.check(undefined, placeOf(key));
    }
  };
  return { check, keys };
}

function refuseKey(
  key: string,
  place: Place,
  known: Readonly<Record<string, Rule>>,
  meant: Readonly<Record<string, string>>,
): never {
  const keys = Object.keys(known);
  const near = (Object.hasOwn(meant, key) ? meant[key] : null) ?? nearestOption(key, known);
  const owner = place.owner === "" ? "" : ` of ${place.owner}`;
  throw new WaybillError("invalid_input", `Unknown option "${place.path}"${owner}; expected ${keys.join(", ")}.`, {
    ...(near === null ? {} : { hint: `Did you mean "${near}"?` }),
    details: { option: place.path },
  });
}

/** An option of its own, or one within an option, as in `retry.maxAttempts`. */
function nearestOption(key: string, known: Readonly<Record<string, Rule>>): string | null {
  const inner = Object.entries(known).flatMap(([name, { keys = [] }]) =>
    keys.map((one) => ({ one, path: `${name}.${one}` })),
  );
  const same = inner.find(({ one }) => one.toLowerCase() === key.toLowerCase());
  const near = nearest(
    key,
    inner.map(({ one }) => one),
  );
  return same?.path ?? nearest(key, Object.keys(known)) ?? inner.find(({ one }) => one === near)?.path ?? null;
}
