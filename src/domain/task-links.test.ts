import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findWay, inOrderOfDependencies, refuseCircle } from "./task-links.js";

const graph = (edges: Readonly<Record<string, string>>) => (id: string) => [...(edges[id] ?? "")];

describe("the way from one task to another", () => {
  it.each([
    ["a", "a", {}, ["a"]],
    ["a", "b", { a: "b" }, ["a", "b"]],
    ["a", "d", { a: "bc", b: "x", c: "d" }, ["a", "c", "d"]],
    ["a", "d", { a: "bc", b: "c", c: "b", d: "a" }, null],
    ["a", "e", { a: "bc", b: "d", c: "d", d: "e" }, ["a", "b", "d", "e"]],
    ["a", "b", {}, null],
  ] as const)("from %s to %s in %j is %j", (from, to, edges, way) => {
    expect(findWay(from, to, graph(edges))).toEqual(way);
  });

  it("asks each task once, however many ways lead to it, and is as deep as the chain", () => {
    const asked: number[] = [];
    const waitsFor = (id: string) => {
      const n = Number(id);
      asked.push(n);
      return n < 50_000 ? [String(n + 1), String(n + 2)] : [];
    };
    expect(findWay("0", "none", waitsFor)).toBeNull();
    expect(new Set(asked).size).toBe(asked.length);
  });
});

describe("a circle", () => {
  it.each([
    [["a"], "Task a would wait for itself.", ["a", "a"]],
    [["a", "b"], "The tasks a → b → a would wait for each other.", ["a", "b", "a"]],
  ])("of %j is told with its way", (circle, message, cycle) => {
    expect(refuseCircle(circle)).toMatchObject({ code: "dependency_cycle", message, details: { cycle } });
  });
});

describe("tasks that depend on each other", () => {
  const task = (id: string, on = "") => ({ id, dependsOn: [...on].map((other) => ({ id: other })) });
  const order = (...tasks: ReturnType<typeof task>[]) => inOrderOfDependencies(tasks).map(({ id }) => id);

  it("come after what they depend on, and otherwise stay as they were given", () => {
    expect(order(task("a"), task("b"), task("c"))).toEqual(["a", "b", "c"]);
    expect(order(task("a", "c"), task("b"), task("c"))).toEqual(["c", "a", "b"]);
    expect(order(task("d", "bc"), task("b", "a"), task("c", "a"), task("a"))).toEqual(["a", "b", "c", "d"]);
    expect(order(task("a", "?"), task("b", "aa"))).toEqual(["a", "b"]);
    expect(order(task("b", "a"), task("a"), task("b"))).toEqual(["a", "b", "b"]);
  });

  it.each([
    ["itself", [task("a", "a")], ["a", "a"]],
    ["each other", [task("x", "a"), task("a", "b"), task("b", "c"), task("c", "a")], ["a", "b", "c", "a"]],
  ])("and so wait for %s are refused with the circle", (_name, tasks, cycle) => {
    expect(() => inOrderOfDependencies(tasks)).toThrow(
      expect.objectContaining({ code: "dependency_cycle", details: { cycle } }),
    );
  });

  it("are all there once, each after what it depends on, or a true circle is named", () => {
    const some = fc.array(fc.array(fc.nat({ max: 9 }), { maxLength: 3 }), { minLength: 1, maxLength: 10 });
    const property = fc.property(some, (edges) => {
      const tasks = edges.map((on, n) => ({ id: String(n), dependsOn: on.map((m) => ({ id: String(m) })) }));
      const byId = new Map(tasks.map((one) => [one.id, one]));
      let cycle: readonly string[];
      try {
        const ids = inOrderOfDependencies(tasks).map(({ id }) => id);
        expect([...ids].sort()).toEqual([...byId.keys()].sort());
        for (const { id, dependsOn } of tasks)
          for (const on of dependsOn) if (byId.has(on.id)) expect(ids.indexOf(on.id)).toBeLessThan(ids.indexOf(id));
        return;
      } catch (error) {
        cycle = (error as { details?: { cycle?: string[] } }).details?.cycle ?? [];
      }
      expect(cycle.length).toBeGreaterThan(1);
      expect(cycle.at(0)).toBe(cycle.at(-1));
      cycle.slice(1).forEach((id, at) => {
        expect(byId.get(cycle[at] ?? "")?.dependsOn).toContainEqual({ id });
      });
    });
    fc.assert(property, { numRuns: 2_000 });
  });
});
