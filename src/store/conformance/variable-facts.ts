import { describe, expect, it } from "vitest";
import type { Variable } from "../../domain/variable.js";
import type { VariableWrite } from "../variable-store.js";
import type { UseBench } from "./bench.js";
import { drive, given } from "./given.js";

export function variableFacts(use: UseBench): void {
  const set = (scope: string, key: string, value: string, more: Partial<VariableWrite> = {}) =>
    use().store.variables.setVariable({ scope, key, value, format: "text", ttlMs: null, condition: null, ...more });
  const get = async (scope: string, key: string) => (await use().store.variables.getVariable(scope, key))?.value;
  const list = async (scope: string, more: { prefix?: string; own?: boolean; after?: string; limit?: number } = {}) => {
    const page = { prefix: "", own: false, after: null, limit: 100, ...more };
    return (await use().store.variables.listVariables(scope, page)).map((v: Variable) => [v.key, v.value, v.origin]);
  };
  /** A running parent and its running child. */
  const family = async () => {
    const { store } = use();
    const parent = await drive(store, given.dispatch({ machine: "a" }));
    const run = given.run({ parentRunId: parent.run.id });
    const child = await drive(store, given.dispatch({ machine: "b" }), run);
    return { parent, child };
  };
  const end = async ({ guard }: Awaited<ReturnType<typeof drive>>) =>
    expect((await use().store.runs.finishRun(guard, given.failure(), given.artifacts())).written).toBe(true);

  describe("variables", () => {
    it("fall back from a run to its parent to root, and the nearest wins", async () => {
      const { parent, child } = await family();
      await set("root", "a", "root a");
      await set("root", "b", "root b");
      await set(parent.run.id, "b", "parent b");
      await set(child.run.id, "c", "child c");
      expect(await get(child.run.id, "a")).toBe("root a");
      expect(await get(child.run.id, "b")).toBe("parent b");
      expect(await get(parent.run.id, "c")).toBeUndefined();
      expect(await list(child.run.id)).toEqual([
        ["a", "root a", "root"],
        ["b", "parent b", parent.run.id],
        ["c", "child c", child.run.id],
      ]);
      expect(await list(child.run.id, { own: true })).toEqual([["c", "child c", child.run.id]]);
    });

    it("of two runs of one ref are apart", async () => {
      const { store } = use();
      const [one, two] = [
        await drive(store, given.dispatch({ machine: "a" }), given.run({ ref: "same" })),
        await drive(store, given.dispatch({ machine: "b" }), given.run({ ref: "same" })),
      ];
      await set(one.run.id, "k", "1");
      await set(two.run.id, "k", "2");
      expect([await get(one.run.id, "k"), await get(two.run.id, "k")]).toEqual(["1", "2"]);
      await end(one);
      expect([await get(one.run.id, "k"), await get(two.run.id, "k")]).toEqual([undefined, "2"]);
    });

    it("removed in a scope are hidden there, and still seen above", async () => {
      await set("root", "k", "v");
      expect(await use().store.variables.removeVariable("other", "k")).toBe(true);
      expect([await get("other", "k"), await get("root", "k")]).toEqual([undefined, "v"]);
      expect(await list("other")).toEqual([]);
      expect(await use().store.variables.removeVariable("other", "k")).toBe(false);
      await set("other", "k", "again");
      expect(await get("other", "k")).toBe("again");
    });

    it("go with the run at the top of their chain, and not before", async () => {
      const { parent, child } = await family();
      await set(child.run.id, "k", "child");
      await set(parent.run.id, "k", "parent");
      await end(child);
      expect(await get(child.run.id, "k")).toBe("child");
      await end(parent);
      expect([await get(child.run.id, "k"), await get(parent.run.id, "k")]).toEqual([undefined, undefined]);
    });

    it("are kept after the end when that was asked for", async () => {
      const request = given.request({ keepVariables: true });
      const driven = await drive(use().store, given.dispatch(), given.run({ request }));
      await set(driven.run.id, "k", "v");
      await end(driven);
      expect(await get(driven.run.id, "k")).toBe("v");
    });

    it("expire by the store's clock, and what is above shines through again", async () => {
      await set("root", "k", "root");
      await set("s", "k", "short", { ttlMs: 1_000 });
      use().now += 999;
      expect(await get("s", "k")).toBe("short");
      use().now += 1;
      expect(await get("s", "k")).toBe("root");
      expect(await list("s")).toEqual([["k", "root", "root"]]);
    });

    it("are set only where absent, or over a known revision, when that is asked", async () => {
      const first = await set("s", "k", "1", { condition: "absent" });
      expect(first.written).toBe(true);
      expect(await set("s", "k", "2", { condition: "absent" })).toMatchObject({
        written: false,
        found: { value: "1" },
      });
      const revision = first.written ? first.variable.revision : 0;
      const races = await Promise.all(["x", "y"].map((value) => set("s", "k", value, { condition: revision })));
      expect(races.map((r) => r.written).sort()).toEqual([false, true]);
    });

    it("never have a revision again that they had before a removal", async () => {
      const first = await set("s", "k", "1");
      await use().store.variables.removeVariable("s", "k");
      const second = await set("s", "k", "1");
      if (!first.written || !second.written) throw new Error("not written");
      expect(second.variable.revision).toBeGreaterThan(first.variable.revision);
    });

    it("count without losing an addition", async () => {
      const { variables } = use().store;
      await Promise.all(Array.from({ length: 50 }, () => variables.incrementVariable("s", "n", 2)));
      expect(await get("s", "n")).toBe("100");
      expect((await variables.incrementVariable("s", "n", -101))?.value).toBe("-1");
      await set("s", "n", "many");
      expect(await variables.incrementVariable("s", "n", 1)).toBeNull();
    });

    it("count up from what an ancestor says, in their own scope", async () => {
      await set("root", "n", "5");
      expect(await use().store.variables.incrementVariable("s", "n", 1)).toMatchObject({ value: "6", origin: "s" });
      expect(await get("root", "n")).toBe("5");
    });

    it.each(["a b", "a/b", "a:b", "a\nb", "🦀", " ", "%", "_"])("take the key %j", async (key) => {
      await set("s", key, `value of ${key}`);
      expect(await get("s", key)).toBe(`value of ${key}`);
      expect(await list("s")).toEqual([[key, `value of ${key}`, "s"]]);
    });

    it.each([0, 1024, 3 * 1024 * 1024])("take a value of %d bytes", async (length) => {
      const value = "x".repeat(length);
      await set("s", "k", value);
      expect(await get("s", "k")).toBe(value);
    });

    it("refuse an empty key, an empty scope and text that is no Unicode", async () => {
      await expect(set("s", "", "v")).rejects.toMatchObject({ code: "invalid_input" });
      await expect(set("", "k", "v")).rejects.toMatchObject({ code: "invalid_input" });
      await expect(set("s", "k", "\ud800")).rejects.toMatchObject({ code: "invalid_input" });
    });

    it("are listed by key in pages, and by prefix", async () => {
      await Promise.all(["b", "a/1", "a/2", "c"].map((key) => set("s", key, key)));
      expect((await list("s", { limit: 2 })).map(([key]) => key)).toEqual(["a/1", "a/2"]);
      expect((await list("s", { after: "a/2" })).map(([key]) => key)).toEqual(["b", "c"]);
      expect((await list("s", { prefix: "a/" })).map(([key]) => key)).toEqual(["a/1", "a/2"]);
    });
  });
}
