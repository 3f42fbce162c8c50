import { describe, expect, it } from "vitest";
import type { ExternalRun } from "../../domain/external-run.js";
import type { Run } from "../../domain/run.js";
import type { UseBench } from "./bench.js";
import { drive, given } from "./given.js";

const told = (over: Partial<ExternalRun> = {}): ExternalRun => ({
  id: given.id(),
  ref: "told",
  status: "running",
  startedAt: 1_000,
  endedAt: null,
  exitCode: null,
  errorMsg: null,
  pid: 7,
  logsPath: null,
  detached: true,
  createdBy: "tester",
  provenance: { source: null, client: null, session: null },
  record: {},
  ...over,
});

export function externalRunFacts(use: UseBench): void {
  describe("a run that others execute", () => {
    it("is recorded whole, with what happened as events", async () => {
      const { store } = use();
      const made = told({ status: "failed", endedAt: 4_000, exitCode: 3, record: { exitCode: 3 } });
      await store.externalRuns.recordRun(null, () => made);
      const run = await store.runs.getRun(made.id);
      expect(run).toMatchObject({ kind: "external", status: "failed", exitCode: 3, errorCode: "nonzero_exit" });
      expect(run?.evidence).toEqual({ record: { exitCode: 3 } });
      const events = await store.events.readEvents(0, { subject: made.id }, 10);
      expect(events.map(({ type }) => type)).toEqual(["run.created", "run.finished"]);
    });

    it("takes the place of the one of the same name, and keeps its id", async () => {
      const { store } = use();
      const first = told();
      await store.externalRuns.recordRun("mine", () => first);
      const seen: (Run | null)[] = [];
      await store.externalRuns.recordRun("mine", (found) => {
        seen.push(found);
        return told({ pid: 8 });
      });
      await store.externalRuns.recordRun("mine", () => null);
      expect(seen.map((run) => run?.pid)).toEqual([7]);
      expect(await store.externalRuns.findByName("mine")).toMatchObject({ id: first.id, pid: 8 });
      expect(await store.externalRuns.findByName("other")).toBeNull();
      expect(await store.history.countUpTo({ ref: "told" }, {}, 10)).toBe(1);
    });

    it("can be forgotten while it runs, since nobody here drives it", async () => {
      const { store } = use();
      const made = told();
      await store.externalRuns.recordRun("mine", () => made);
      expect(await store.runs.removeRun(made.id)).toBe(true);
      expect(await store.externalRuns.findByName("mine")).toBeNull();
    });

    it("is listed by id among the detached ones of every kind, in pages", async () => {
      const { store } = use();
      const { run } = await drive(store, {}, { detached: true });
      await drive(store, { slots: 2 });
      const [second, third] = [told(), told({ detached: false })];
      for (const made of [second, third]) await store.externalRuns.recordRun(null, () => made);
      const ids = async (after: string, limit: number) =>
        (await store.externalRuns.listDetached(after, limit)).map(({ id }) => id);
      expect(await ids("", 10)).toEqual([run.id, second.id]);
      expect(await ids("", 1)).toEqual([run.id]);
      expect(await ids(run.id, 1)).toEqual([second.id]);
    });
  });

  describe("dropping a variable", () => {
    it("lets an ancestor's shine through again, which removing hides", async () => {
      const { store } = use();
      const set = (scope: string) =>
        store.variables.setVariable({ scope, key: "k", value: scope, format: "text", ttlMs: null, condition: null });
      await set("root");
      await set("s");
      expect(await store.variables.dropVariable("s", "k")).toBe(true);
      expect(await store.variables.dropVariable("s", "k")).toBe(false);
      expect((await store.variables.getVariable("s", "k"))?.value).toBe("root");
      await store.variables.removeVariable("s", "k");
      expect(await store.variables.getVariable("s", "k")).toBeNull();
      await store.variables.dropVariable("s", "k");
      expect((await store.variables.getVariable("s", "k"))?.value).toBe("root");
    });
  });
}
