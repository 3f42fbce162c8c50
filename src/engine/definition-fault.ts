/** What is wrong with a value that stands where a task definition is expected. */
import { nearest } from "../domain/nearest.js";
import { CALLED_RUN, DEFINITION_KEYS, isSchema } from "./definition-options.js";
import type { TaskDefinition } from "./task-definition.js";

type Partly = { readonly [K in keyof TaskDefinition]?: unknown } & { readonly params?: unknown };

const isPartly = (value: unknown): value is Partly => typeof value === "object" && value !== null;

/** Judged by its parts: a module may have `defineTask` from another copy of this package. */
const isDefinition = (value: unknown): value is TaskDefinition =>
  isPartly(value) &&
  typeof value.type === "string" &&
  typeof value.run === "function" &&
  isSchema(value.paramsSchema) &&
  typeof value.retry === "object" &&
  Array.isArray(value.schedules);

/** Whether somebody meant to define a task by it: it has a type, and a handler or a schema, whatever they are called. */
export const isMeantAsDefinition = (value: unknown): boolean =>
  isPartly(value) &&
  typeof value.type === "string" &&
  (isSchema(value.params) || isSchema(value.paramsSchema) || handlerIn(value) !== null);

/** The key under which it has a handler. */
function handlerIn(value: Partly): string | null {
  if (typeof value.run === "function") return "run";
  const found = Object.entries(value).find(([key, one]) => {
    return typeof one === "function" && (CALLED_RUN.includes(key) || nearest(key, ["run"]) !== null);
  });
  return found?.[0] ?? null;
}

/** A sentence without its end; null for a definition. */
export function faultOfDefinition(value: unknown): string | null {
  if (isDefinition(value)) return null;
  if (!isPartly(value)) return `${describe(value)} is no task definition`;
  const { type } = value;
  if (typeof type !== "string") return "an object without a type is no task definition";
  const handler = handlerIn(value);
  if (handler === null) return `"${type}" has no run, the function that executes it; found ${keysOf(value)}`;
  if (handler !== "run") return `"${type}" has no run; found "${handler}" (did you mean "run"?)`;
  if (isSchema(value.params) || isSchema(value.paramsSchema)) return `"${type}" was not given to defineTask`;
  return `"${type}" has no params schema that can be used (zod, valibot, arktype or any Standard Schema)`;
}

/** Nobody is helped by the names of a hundred. */
const MOST_KEYS = DEFINITION_KEYS.length;

const keysOf = (value: object): string => {
  const keys = Object.keys(value);
  return [...keys.slice(0, MOST_KEYS), ...(keys.length > MOST_KEYS ? ["…"] : [])].join(", ");
};

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return `the ${typeof value} ${String(value).slice(0, 40)}`;
}
