/** Derives a command's positional arguments and flags from its operation's input schema. */
import type * as z from "zod";
import type { Operation } from "../../contracts/operation.js";

export interface Field {
  /** The contract's name, snake_case. */
  readonly name: string;
  /** The flag's name, kebab-case, without dashes. */
  readonly flag: string;
  /** `off` is a boolean that is on unless its flag, `--no-NAME`, says otherwise; its description says what that does. */
  readonly kind: "boolean" | "off" | "value" | "list";
  readonly required: boolean;
  /** A list whose flag takes several values in a row. */
  readonly variadic: boolean;
  readonly description: string;
  /** Shown in help; undefined when there is none worth showing. */
  readonly fallback: string | undefined;
  readonly choices: readonly string[];
}

interface Definition {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly element?: z.ZodType;
  readonly entries?: Readonly<Record<string, string>>;
  readonly defaultValue?: unknown;
}

const definitionOf = (schema: z.ZodType): Definition => schema._zod.def as unknown as Definition;

/** Looks through `optional` and `default` at what a field really is. */
function unwrap(schema: z.ZodType): { schema: z.ZodType; required: boolean; fallback: unknown } {
  const definition = definitionOf(schema);
  if (definition.innerType === undefined) return { schema, required: true, fallback: undefined };
  return { schema: unwrap(definition.innerType).schema, required: false, fallback: definition.defaultValue };
}

function toField(name: string, outer: z.ZodType): Omit<Field, "variadic"> {
  const { schema, required, fallback } = unwrap(outer);
  const definition = definitionOf(schema);
  const isList = definition.type === "array";
  const scalar = isList && definition.element !== undefined ? unwrap(definition.element).schema : schema;
  const isBoolean = definition.type === "boolean";
  const hidden =
    isBoolean || fallback === undefined || fallback === "" || (isList && (fallback as unknown[]).length === 0);
  return {
    name,
    flag: `${isBoolean && fallback === true ? "no-" : ""}${name.replaceAll("_", "-")}`,
    kind: isList ? "list" : isBoolean ? (fallback === true ? "off" : "boolean") : "value",
    required,
    description: outer.description ?? schema.description ?? scalar.description ?? "",
    fallback: hidden ? undefined : String(fallback),
    choices: Object.values(definitionOf(scalar).entries ?? {}),
  };
}

export const fieldsOf = (operation: Operation): readonly Field[] =>
  Object.entries(operation.input.shape).map(([name, schema]) => ({
    ...toField(name, schema as z.ZodType),
    variadic: operation.variadic.includes(name),
  }));

export interface CommandShape {
  readonly positional: readonly Field[];
  readonly flags: readonly Field[];
}

export function shapeOf(operation: Operation): CommandShape {
  const fields = fieldsOf(operation);
  const positional = operation.positional.flatMap((name) => fields.find((field) => field.name === name) ?? []);
  return { positional, flags: fields.filter((field) => !positional.includes(field)) };
}

/** `<dir>`, `[args...]`: how commander and man pages write a positional argument. */
export function formatPositional(field: Field): string {
  const name = field.kind === "list" ? `${field.name}...` : field.name;
  return field.required ? `<${name}>` : `[${name}]`;
}
