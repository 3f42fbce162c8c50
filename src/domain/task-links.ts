/** Links between tasks, and the search for circles in them: tasks that wait for each other would wait for ever. */
import { WaybillError } from "./errors.js";

/** `blocks`: the one must end before the other begins. `discovered_from`: the one was found while the other was worked on. */
export const LINK_KINDS = ["blocks", "discovered_from"] as const;
export type LinkKind = (typeof LINK_KINDS)[number];

/** What a task waits for directly, by id. */
export type WaitsFor = (id: string) => readonly string[];

interface Visit {
  readonly id: string;
  readonly left: string[];
}

const visitOf = (id: string, waitsFor: WaitsFor): Visit => ({ id, left: [...waitsFor(id)].reverse() });

/** The way from one task to another along what each waits for, both included; null when there is none. Visits each once. */
export function findWay(from: string, to: string, waitsFor: WaitsFor): readonly string[] | null {
  if (from === to) return [from];
  const seen = new Set([from]);
  const way = [visitOf(from, waitsFor)];
  for (let last = way.at(-1); last !== undefined; last = way.at(-1)) {
    const next = last.left.pop();
    if (next === undefined) way.pop();
    else if (next === to) return [...way.map(({ id }) => id), to];
    else if (!seen.has(next)) {
      seen.add(next);
      way.push(visitOf(next, waitsFor));
    }
  }
  return null;
}

/** @param circle ids of which each waits for the next one, and the last for the first. */
export function refuseCircle(circle: readonly string[]): WaybillError {
  const closed = [...circle, circle[0]];
  const said =
    circle.length === 1
      ? `Task ${circle[0]} would wait for itself.`
      : `The tasks ${closed.join(" → ")} would wait for each other.`;
  return new WaybillError("dependency_cycle", said, {
    hint: "Leave one of these links out: tasks that wait in a circle never begin.",
    details: { cycle: closed },
  });
}

interface Dependent {
  readonly id: string;
  readonly dependsOn: readonly { readonly id: string }[];
}

/**
 * The same tasks in an order in which each comes after those of them that it depends on; otherwise as they were given.
 * Errors: `dependency_cycle`, with the circle in `details.cycle`.
 */
export function inOrderOfDependencies<T extends Dependent>(tasks: readonly T[]): readonly T[] {
  const byId = new Map<string, T[]>(tasks.map(({ id }) => [id, []]));
  const called = (id: string): T[] => byId.get(id) as T[];
  for (const task of tasks) called(task.id).push(task);
  const waitsFor: WaitsFor = (id) =>
    called(id).flatMap(({ dependsOn }) => dependsOn.map((on) => on.id).filter((on) => byId.has(on)));
  const done = new Set<string>();
  for (const id of byId.keys()) visitAll(id, waitsFor, done);
  return [...done].flatMap(called);
}

/** Adds a task to `done` after all that it waits for. */
function visitAll(start: string, waitsFor: WaitsFor, done: Set<string>): void {
  if (done.has(start)) return;
  const way = [visitOf(start, waitsFor)];
  const open = new Set([start]);
  for (let last = way.at(-1); last !== undefined; last = way.at(-1)) {
    const next = last.left.pop();
    if (next === undefined) {
      way.pop();
      open.delete(last.id);
      done.add(last.id);
    } else if (open.has(next)) {
      const ids = way.map(({ id }) => id);
      throw refuseCircle(ids.slice(ids.indexOf(next)));
    } else if (!done.has(next)) {
      open.add(next);
      way.push(visitOf(next, waitsFor));
    }
  }
}
