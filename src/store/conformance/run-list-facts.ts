import { describe, expect, it } from "vitest";
import { ACTIVE_STATUSES, RUN_STATUSES, type Run } from "../../domain/run.js";
import type { RunFilter } from "../run-store.js";
import type { Store } from "../store.js";
import type { UseBench } from "./bench.js";
import { drive, finished, given } from "./given.js";

const idsOf = (runs: readonly Run[]): string[] => runs.map((run) => run.id);

/** Six runs on two machines, of all fates, oldest first. */
async function seed(store: Store): Promise<Run[]> {
  const slots = 10;
  return [
    await finished(store, { machine: "a", slots, workHash: "w" }, { ref: "x" }),
    await finished(store, { machine: "b", slots }, { ref: "x", createdBy: "ann" }, given.failure()),
    await finished(store, { machine: "a", slots, workHash: "w" }, { ref: "y" }),
    (await drive(store, { machine: "a", slots }, { ref: "y" })).run,
    await finished(store, { machine: "b", slots }, { ref: "x", kind: "command" }, given.outcome({ endedAt: 9_000 })),
    (await drive(store, { machine: "b", slots }, { ref: "x", testDirHash: "tree-2" })).run,
  ];
}

export function runListFacts(use: UseBench): void {
  describe("finding runs", () => {
    it("pages newest first by key, without gaps or repeats", async () => {
      const { store } = use();
      const all = idsOf(await seed(store)).reverse();
      const seen: string[] = [];
      for (let page = idsOf(await store.runs.listRuns({}, { limit: 4 })); page.length > 0; ) {
        seen.push(...page);
        page = idsOf(await store.runs.listRuns({}, { limit: 4, before: page.at(-1) ?? "" }));
      }
      expect(seen).toEqual(all);
    });

    it("applies every filter and every combination of them", async () => {
      const { store } = use();
      await seed(store);
      const all = await store.runs.listRuns({}, { limit: 100 });
      const filters: RunFilter[] = [
        { machine: "a" },
        { ref: "x" },
        { kind: "command" },
        { testDirHash: "tree-2" },
        { createdBy: "ann" },
        { statuses: ["completed"] },
        { statuses: ["failed", "pending"], ref: "x" },
        { statuses: ACTIVE_STATUSES, machine: "b", ref: "x" },
        { statuses: RUN_STATUSES, machine: "a", kind: "directory" },
      ];
      for (const filter of filters) {
        const { statuses, ...equal } = filter;
        const wanted = all.filter(
          (run) =>
            (statuses?.includes(run.status) ?? true) &&
            Object.entries(equal).every(([key, value]) => run[key as keyof Run] === value),
        );
        expect(wanted.length).toBeGreaterThan(0);
        expect(idsOf(await store.runs.listRuns(filter, { limit: 100 }))).toEqual(idsOf(wanted));
        const counts = await store.runs.countRuns(filter);
        expect(Object.values(counts).reduce((sum, n) => sum + n, 0)).toBe(wanted.length);
      }
    });

    it("keeps on whose behalf a run is executed, and finds runs by it", async () => {
      const { store } = use();
      await seed(store);
      const provenance = { source: "ci", client: "nightly", session: "s-1" };
      const { run } = await drive(store, { machine: "c" }, { provenance });
      const silent = await store.runs.listRuns({ machine: "a" }, { limit: 1 });
      expect((await store.runs.getRun(run.id))?.provenance).toEqual(provenance);
      expect(silent[0]?.provenance).toEqual({ source: null, client: null, session: null });
      for (const filter of [{ source: "ci" }, { client: "nightly" }, { session: "s-1", source: "ci" }]) {
        expect(idsOf(await store.runs.listRuns(filter, { limit: 10 }))).toEqual([run.id]);
      }
      expect(await store.runs.listRuns({ session: "s-1", source: "cli" }, { limit: 10 })).toEqual([]);
    });

    it("finds nothing when no status is wanted", async () => {
      const { store } = use();
      await seed(store);
      expect(await store.runs.listRuns({ statuses: [] }, { limit: 10 })).toEqual([]);
      expect(Object.values(await store.runs.countRuns({ statuses: [] }))).toEqual([0, 0, 0, 0, 0, 0]);
    });

    it("lists active runs oldest first, and those that hold a slot of a machine", async () => {
      const { store } = use();
      const runs = await seed(store);
      const active = runs.filter((run) => run.status === "pending");
      expect(idsOf(await store.runs.activeRuns())).toEqual(idsOf(active));
      expect(idsOf(await store.runs.activeByMachine("b"))).toEqual([active[1]?.id]);
    });

    it("finds runs by prefix and by a list of ids, unknown ones left out", async () => {
      const { store } = use();
      const [first, second] = await seed(store);
      expect(idsOf(await store.runs.findRunsByPrefix(first?.id ?? "", 5))).toEqual([first?.id]);
      expect(await store.runs.findRunsByPrefix("0", 2)).toHaveLength(2);
      expect(await store.runs.findRunsByPrefix("zz", 5)).toEqual([]);
      const found = await store.runs.getRuns([first?.id ?? "", second?.id ?? "", "unknown"]);
      expect([...found.keys()].sort()).toEqual([first?.id, second?.id].sort());
      expect((await store.runs.getRuns([])).size).toBe(0);
    });

    it("finds what ran before: by tree, by work, and how long a ref took", async () => {
      const { store } = use();
      const runs = await seed(store);
      expect(idsOf(await store.runs.findByTestDirHashAndMachine("tree-2", "b"))).toEqual([runs[5]?.id]);
      expect(await store.runs.findByTestDirHashAndMachine("tree-2", "a")).toEqual([]);
      expect((await store.runs.findCompletedByWork("a", "w"))?.id).toBe(runs[2]?.id);
      expect(await store.runs.findCompletedByWork("b", "w")).toBeNull();
      expect(await store.runs.recentDurations("x", 10)).toEqual([8_000, 2_000]);
      expect(await store.runs.recentDurations("x", 1)).toEqual([8_000]);
    });
  });
}
