/** Operations on variables. */
import * as z from "zod";
import { VALUE_FORMATS, type Variable } from "../domain/variable.js";
import { duration, maybeTime, toMaybeTime, toTime } from "./fields.js";
import { later } from "./later.js";
import { operation } from "./operation.js";

const scope = z
  .string()
  .min(1)
  .optional()
  .describe("the scope: a run's id, root, or any name (default: WAYBILL_SCOPE, else root)");
const key = z.string().min(1).describe("name of the variable");

export const variableView = later(() =>
  z.object({
    key: z.string(),
    value: z.string(),
    format: z.enum(VALUE_FORMATS),
    revision: z.number().int().nullable().describe("null for a default that was not found in any scope"),
    origin: z.string().nullable().describe("the scope in which it was found"),
    updated_at: maybeTime,
    expires_at: maybeTime,
  }),
);
export type VariableView = z.infer<ReturnType<typeof variableView>>;

export const toVariableView = (variable: Variable): VariableView => ({
  key: variable.key,
  value: variable.value,
  format: variable.format,
  revision: variable.revision,
  origin: variable.origin,
  updated_at: toTime(variable.updatedAt),
  expires_at: toMaybeTime(variable.expiresAt),
});

export const setVariable = operation({
  name: "vars.set",
  command: "vars set",
  summary: "Set a variable in a scope",
  effect: "write",
  positional: ["key", "value"],
  input: () =>
    z.object({
      key,
      value: z.string().optional().describe("the value; from standard input when neither this nor --file is given"),
      file: z.string().optional().describe("read the value from this file"),
      scope,
      json_value: z.boolean().default(false).describe("the value is JSON: refuse it when it is not"),
      ttl: duration.optional().describe("forget it after this long"),
      if_absent: z.boolean().default(false).describe("only if the scope itself has no such variable"),
    }),
  output: () => variableView(),
  errors: ["variable_conflict", "invalid_input"],
  examples: [
    ["vars set version 1.4.2", "in the current scope"],
    ["vars set lock mine --if-absent --ttl 10m", "a claim that lapses; exit 4 if somebody has it"],
    ["vars set config --json-value --file config.json", "JSON, checked"],
  ],
});

export const compareAndSetVariable = operation({
  name: "vars.cas",
  command: "vars cas",
  summary: "Set a variable only over the revision that was read (compare and set); exit 4 when it has changed",
  effect: "write",
  positional: ["key", "value"],
  input: () =>
    z.object({
      key,
      value: z.string().describe("the new value"),
      rev: z.coerce.number().int().min(1).describe("the revision that it must have in the scope itself"),
      scope,
    }),
  output: () => variableView(),
  errors: ["variable_conflict", "invalid_input"],
  examples: [["vars cas owner me --rev 7", "`vars get owner --json` tells the revision"]],
});

export const getVariable = operation({
  name: "vars.get",
  command: "vars get",
  summary: "Print a variable as seen from a scope: its own, else its parent's, up to root",
  effect: "read",
  positional: ["key"],
  input: () =>
    z.object({
      key,
      scope,
      default: z.string().optional().describe("print this when there is no such variable, instead of exit 3"),
    }),
  output: () => variableView(),
  errors: ["variable_not_found"],
  examples: [["vars get version --default none", "never fails"]],
});

export const removeVariables = operation({
  name: "vars.rm",
  command: "vars rm",
  summary: "Hide variables from a scope on; removing what is not there is no error",
  effect: "write",
  positional: ["key"],
  input: () => z.object({ key: z.array(key).min(1), scope }),
  output: () => z.object({ removed: z.array(z.string()) }),
  errors: ["invalid_input"],
});

export const listVariables = operation({
  name: "vars.list",
  command: "vars list",
  summary: "List the variables seen from a scope, each with the scope that it comes from",
  effect: "read",
  input: () =>
    z.object({
      scope,
      prefix: z.string().default("").describe("only keys that start with this"),
      own: z.boolean().default(false).describe("only what the scope itself holds"),
      limit: z.coerce.number().int().min(1).max(10_000).default(100).describe("how many to show at most"),
      after: z.string().optional().describe("only keys after this one (the `next` of the page before)"),
    }),
  output: () => z.object({ scope: z.string(), variables: z.array(variableView()), next: z.string().nullable() }),
  errors: [],
  examples: [["vars list --scope root --prefix release/", "a part of what is global"]],
});

export const incrementVariable = operation({
  name: "vars.incr",
  command: "vars incr",
  summary: "Add to a whole number and print the sum; an absent one counts as 0",
  effect: "write",
  positional: ["key"],
  input: () => z.object({ key, scope, by: z.coerce.number().int().default(1).describe("what to add") }),
  output: () => variableView(),
  errors: ["variable_conflict", "invalid_input"],
  examples: [["vars incr build", "the next number, whoever else asks at the same time"]],
});
