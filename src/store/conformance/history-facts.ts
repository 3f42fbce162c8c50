import { describe, expect, it } from "vitest";
import type { RunFilter } from "../run-store.js";
import type { Store } from "../store.js";
import type { UseBench } from "./bench.js";
import { drive, finished, given } from "./given.js";

const slots = 10;
const labelled = async (store: Store, labels: Record<string, string>, ref = "x") =>
  await finished(store, { slots }, { ref, labels });

export function historyFacts(use: UseBench): void {
  describe("the history", () => {
    it("lists refs by name, each once, in pages", async () => {
      const { store } = use();
      for (const ref of ["b", "a", "c", "b", "ä"]) await drive(store, { slots }, { ref });
      expect(await store.history.listRefs(null, 10)).toEqual(["a", "b", "c", "ä"]);
      expect(await store.history.listRefs(null, 2)).toEqual(["a", "b"]);
      expect(await store.history.listRefs("b", 2)).toEqual(["c", "ä"]);
      expect(await store.history.listRefs("ä", 2)).toEqual([]);
    });

    it("counts what matches, up to a number", async () => {
      const { store } = use();
      for (const ref of ["x", "x", "x", "y"]) await finished(store, { slots }, { ref });
      await drive(store, { slots }, { ref: "x" });
      const count = (filter: RunFilter, most: number) => store.history.countUpTo(filter, {}, most);
      expect(await count({ ref: "x" }, 10)).toBe(4);
      expect(await count({ ref: "x" }, 2)).toBe(2);
      expect(await count({ ref: "x", statuses: ["completed", "failed"] }, 10)).toBe(3);
      expect(await count({ statuses: [] }, 10)).toBe(0);
    });

    it("tells the durations before a run, newest first, of completed runs of its ref", async () => {
      const { store } = use();
      const ended = async (endedAt: number, ref = "x") =>
        await finished(store, { slots }, { ref }, given.outcome({ endedAt }));
      await ended(2_000);
      await ended(4_000);
      await finished(store, { slots }, { ref: "x" }, given.failure());
      await ended(7_000, "y");
      const last = await ended(9_000);
      expect(await store.history.durationsBefore("x", last.id, 10)).toEqual([3_000, 1_000]);
      expect(await store.history.durationsBefore("x", last.id, 1)).toEqual([3_000]);
    });

    it("finds runs that carry every label asked for, with any other filter, in pages", async () => {
      const { store } = use();
      const first = await labelled(store, { branch: "main", team: "blue" });
      const second = await labelled(store, { branch: "main" }, "y");
      const third = await labelled(store, { branch: "main", team: "blue" });
      await labelled(store, { branch: "next", team: "blue", main: "branch" });
      const find = async (filter: RunFilter, page = {}) =>
        (await store.runs.listRuns(filter, { limit: 10, ...page })).map((run) => run.id);
      const main = { branch: "main" };
      expect(await find({ labels: main })).toEqual([third.id, second.id, first.id]);
      expect(await find({ labels: { ...main, team: "blue" } })).toEqual([third.id, first.id]);
      expect(await find({ labels: main, ref: "y" })).toEqual([second.id]);
      expect(await find({ labels: main, statuses: ["failed", "timeout"] })).toEqual([]);
      expect(await find({ labels: main, statuses: ["completed"] }, { before: third.id, limit: 1 })).toEqual([
        second.id,
      ]);
      expect(await find({ labels: main }, { from: second.id })).toEqual([third.id, second.id]);
      expect(await store.history.countUpTo({ labels: main }, {}, 10)).toBe(3);
      expect((await store.runs.countRuns({ labels: main })).completed).toBe(3);
    });

    it("forgets labels with their run", async () => {
      const { store } = use();
      const run = await labelled(store, { branch: "main" });
      expect(await store.runs.removeRun(run.id)).toBe(true);
      expect(await store.history.countUpTo({ labels: { branch: "main" } }, {}, 10)).toBe(0);
    });
  });
}
