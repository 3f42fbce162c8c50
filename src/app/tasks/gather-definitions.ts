/** Finds task definitions among the exports of a module, and says what is wrong with what looks like one. */
import type { TaskDefinition } from "../../engine/task-definition.js";

export interface Gathered {
  readonly definitions: readonly TaskDefinition[];
  /** A sentence each; empty when the definitions are good, and there is one. */
  readonly problems: readonly string[];
}

type Verdict =
  | { readonly kind: "definition"; readonly definition: TaskDefinition }
  | { readonly kind: "fault"; readonly problem: string }
  /** Something else that a module may well export. */
  | { readonly kind: "other" };

interface Export {
  readonly name: string;
  readonly value: unknown;
  /** In a list of definitions, or the default export: nothing else may stand there. */
  readonly mustBe: boolean;
}

/**
 * A definition that is exported twice, by name and in a list, is one.
 *
 * @param taken types that no module may define
 */
export function gatherDefinitions(exported: Readonly<Record<string, unknown>>, taken: readonly string[]): Gathered {
  const byType = new Map<string, { readonly definition: TaskDefinition; readonly name: string }>();
  const schedules = new Map<string, string>();
  const problems: string[] = [];
  for (const one of exportsIn(exported)) {
    const verdict = judge(one);
    if (verdict.kind === "fault") problems.push(`${one.name}: ${verdict.problem}`);
    if (verdict.kind !== "definition") continue;
    const { definition } = verdict;
    if (taken.includes(definition.type)) {
      problems.push(`${one.name}: the type "${definition.type}" is built in and cannot be defined again`);
      continue;
    }
    const known = byType.get(definition.type);
    if (known?.definition === definition) continue;
    if (known !== undefined) {
      problems.push(`${one.name}: the type "${definition.type}" is defined already, by ${known.name}`);
      continue;
    }
    byType.set(definition.type, { definition, name: one.name });
    problems.push(...repeatedSchedules(definition, schedules).map((problem) => `${one.name}: ${problem}`));
  }
  if (byType.size === 0 && problems.length === 0) problems.push(nothingIn(exported));
  return { definitions: [...byType.values()].map(({ definition }) => definition), problems };
}

/** Namespaces list their names by the alphabet; those of lists keep their order. */
function exportsIn(exported: Readonly<Record<string, unknown>>): readonly Export[] {
  return Object.entries(exported).flatMap(([name, value]): Export[] => {
    const list = name === "default" || (Array.isArray(value) && value.some(looksDefined));
    if (!Array.isArray(value) || !list) return [{ name, value, mustBe: name === "default" }];
    return value.map((item: unknown, at) => ({ name: `${name}[${at}]`, value: item, mustBe: true }));
  });
}

type Partly = { readonly [K in keyof TaskDefinition]?: unknown } & { readonly params?: unknown };

const looksDefined = (value: unknown): value is Partly & { readonly type: string } =>
  typeof value === "object" &&
  value !== null &&
  typeof (value as Partly).type === "string" &&
  typeof (value as Partly).run === "function";

/** Judged by its parts: the module may have `defineTask` from another copy of this package. */
function judge({ value, mustBe }: Export): Verdict {
  if (!looksDefined(value)) {
    return mustBe ? { kind: "fault", problem: `${describe(value)} is no task definition` } : { kind: "other" };
  }
  if (hasSchema(value.paramsSchema) && typeof value.retry === "object" && Array.isArray(value.schedules)) {
    return { kind: "definition", definition: value as unknown as TaskDefinition };
  }
  const problem = hasSchema(value.params)
    ? `"${value.type}" was not given to defineTask`
    : `"${value.type}" has no params schema that can be used (zod, valibot, arktype or any Standard Schema)`;
  return { kind: "fault", problem };
}

function hasSchema(schema: unknown): boolean {
  if ((typeof schema !== "object" && typeof schema !== "function") || schema === null) return false;
  const { "~standard": standard } = schema as { readonly "~standard"?: { readonly validate?: unknown } };
  return typeof standard?.validate === "function";
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return typeof value === "object" ? "an object" : `the ${typeof value} ${String(value).slice(0, 40)}`;
}

function repeatedSchedules(definition: TaskDefinition, known: Map<string, string>): readonly string[] {
  return definition.schedules.flatMap(({ name }) => {
    const owner = known.get(name);
    known.set(name, definition.type);
    return owner === undefined ? [] : [`the schedule "${name}" exists already, of the type "${owner}"`];
  });
}

function nothingIn(exported: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(exported);
  return names.length === 0
    ? "it exports nothing"
    : `it exports ${names.join(", ")}, and none of them is a task definition`;
}
