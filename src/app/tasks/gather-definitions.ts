/** Finds task definitions among the exports of a module, and says what is wrong with what looks like one. */
import { faultOfDefinition, isMeantAsDefinition } from "../../engine/definition-fault.js";
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
  if (byType.size === 0 && problems.length === 0) problems.push(...nothingIn(exported));
  return { definitions: [...byType.values()].map(({ definition }) => definition), problems };
}

/** Namespaces list their names by the alphabet; those of lists keep their order. */
function exportsIn(exported: Readonly<Record<string, unknown>>): readonly Export[] {
  return Object.entries(exported).flatMap(([name, value]): Export[] => {
    const list = name === "default" || (Array.isArray(value) && value.some(isMeantAsDefinition));
    if (!Array.isArray(value) || !list) return [{ name, value, mustBe: name === "default" }];
    return value.map((item: unknown, at) => ({ name: `${name}[${at}]`, value: item, mustBe: true }));
  });
}

function judge({ value, mustBe }: Export): Verdict {
  const problem = faultOfDefinition(value);
  if (problem === null) return { kind: "definition", definition: value as TaskDefinition };
  return mustBe || isMeantAsDefinition(value) ? { kind: "fault", problem } : { kind: "other" };
}

function repeatedSchedules(definition: TaskDefinition, known: Map<string, string>): readonly string[] {
  return definition.schedules.flatMap(({ name }) => {
    const owner = known.get(name);
    known.set(name, definition.type);
    return owner === undefined ? [] : [`the schedule "${name}" exists already, of the type "${owner}"`];
  });
}

const hasType = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";

/** Where there is nothing better, what has a type may have been meant. */
function nothingIn(exported: Readonly<Record<string, unknown>>): readonly string[] {
  const names = Object.keys(exported);
  if (names.length === 0) return ["it exports nothing"];
  const typed = Object.entries(exported).filter(([, value]) => hasType(value));
  if (typed.length > 0) return typed.map(([name, value]) => `${name}: ${faultOfDefinition(value)}`);
  return [`it exports ${names.join(", ")}, and none of them is a task definition`];
}
