import { describe, expect, it } from "vitest";
import { QUARANTINE_AFTER } from "../../domain/task.js";
import type { UseBench } from "./bench.js";
import { claim, end, engineLease, failed, guardOf, newTask, submit, succeeded } from "./given-tasks.js";
import { claimAs, endClaim, had, refusalOf, worker } from "./given-workers.js";

const VERDICT = '{"v":2,"kind":"success","summary":"done"}';
const lost = (quarantineAfter = QUARANTINE_AFTER) =>
  ({ state: "lost", failure: { code: "lost", name: null, message: "no disk" }, quarantineAfter }) as const;
const asks = { state: "waiting", for: "answer", question: "which?", author: "ann" } as const;
const review = { state: "waiting", for: "review", question: "good?", author: "ann" } as const;

export function verdictFacts(use: UseBench): void {
  describe("the verdict of a worker", () => {
    it.each([
      ["a success", succeeded(VERDICT), "completed"],
      ["a failure", failed(null), "failed"],
      ["a loss", lost(), "queued"],
      ["a question", asks, "queued"],
      ["a return", { state: "returned", reason: "released", delayMs: null } as const, "queued"],
    ])("stays with the attempt of %s", async (_name, how, state) => {
      const { store } = use();
      await submit(store);
      const held = await claimAs(store);
      expect(await endClaim(store, held, { end: how, verdict: VERDICT })).toEqual({ written: true, value: state });
      const [attempt] = await store.attempts.listAttempts(held.task.id);
      expect(attempt?.result).toEqual(JSON.parse(VERDICT));
    });

    it("is each attempt's own when many succeed at once, with and without one", async () => {
      const { store } = use();
      await store.tasks.submitTasks(Array.from({ length: 60 }, () => newTask()));
      const claimed = await claim(store, await engineLease(store), { begin: 60 });
      const verdicts = claimed.map((_, n) => (n % 2 === 0 ? `{"n":${n}}` : null));
      await store.attempts.endAttempts(
        claimed.map((task, n) => ({ guard: guardOf(task), end: succeeded("1"), verdict: verdicts[n] ?? null })),
      );
      const attempts = await Promise.all(claimed.map(({ id }) => store.attempts.listAttempts(id)));
      expect(attempts.map(([attempt]) => attempt?.result)).toEqual(verdicts.map((text) => JSON.parse(text ?? "null")));
    });
  });

  describe("an attempt that is given back", () => {
    it("says why in the thread, in the write of its end, and nothing where that is refused", async () => {
      const { store } = use();
      const task = await submit(store);
      const held = await claimAs(store);
      const notice = { author: "ann", text: "needs a GPU" };
      const end = { state: "returned", reason: "released", delayMs: null, notice } as const;
      expect(await endClaim(store, held, { end })).toEqual({ written: true, value: "queued" });
      expect(await endClaim(store, held, { end })).toMatchObject({ written: false });
      expect(await store.notes.listNotes(task.id, { after: 0, limit: 9 })).toMatchObject([
        { ...notice, kind: "notice", attempt: 1 },
      ]);
    });
  });

  describe("an attempt whose substrate failed", () => {
    it("counts a crash and no failure, and ends in quarantine at last", async () => {
      const { store } = use();
      const task = await submit(store);
      const states: unknown[] = [];
      for (let n = 0; n < 3; n += 1) states.push(await endClaim(store, await claimAs(store), { end: lost() }));
      expect(states).toEqual(["queued", "queued", "failed"].map((value) => ({ written: true, value })));
      expect(await store.tasks.getTask(task.id)).toMatchObject({
        failures: 0,
        crashes: 3,
        failure: { code: "quarantined", message: expect.stringContaining("no disk") },
      });
      expect((await store.attempts.listAttempts(task.id)).map(({ state }) => state)).toEqual(["lost", "lost", "lost"]);
    });
  });

  describe("a task that waits for a person", () => {
    it("is claimed by nobody, keeps its question, and lets the next of its key begin", async () => {
      const { store } = use();
      const task = await submit(store, { concurrencyKey: "k" });
      const next = await submit(store, { concurrencyKey: "k" });
      await endClaim(store, await claimAs(store, {}, { id: task.id }), { end: asks });
      expect(await store.tasks.getTask(task.id)).toMatchObject({
        state: "queued",
        gate: "answer",
        question: "which?",
        failures: 0,
        crashes: 0,
      });
      expect(await store.attempts.listAttempts(task.id)).toMatchObject([
        { state: "cancelled", returned: "needs_input", failure: null },
      ]);
      expect(await store.notes.listNotes(task.id, { after: 0, limit: 9 })).toMatchObject([
        { kind: "question", author: "ann", text: "which?", attempt: 1 },
      ]);
      const asked = await store.workers.claimForWorker({ worker: worker(), id: task.id });
      expect(asked).toMatchObject({
        error: { code: "invalid_state", message: expect.stringContaining("a person's answer") },
      });
      expect((await claimAs(store)).task.id).toBe(next.id);
      expect(await claim(store, await engineLease(store))).toEqual([]);
    });

    it("is queued by an answer, behind its key when that is taken, and asks no more", async () => {
      const { store } = use();
      const task = await submit(store, { concurrencyKey: "k" });
      const next = await submit(store, { concurrencyKey: "k" });
      await endClaim(store, await claimAs(store, {}, { id: task.id }), { end: asks });
      expect(had(await store.notes.answer({ taskId: task.id, by: "zoe", text: "this", accept: false }))).toBe("queued");
      expect(await store.tasks.getTask(task.id)).toMatchObject({ gate: "key", question: null });
      const other = await claimAs(store, {}, { id: next.id });
      await endClaim(store, other, { end: succeeded() });
      const again = await claimAs(store);
      expect(again.task).toMatchObject({ id: task.id, attempt: 2 });
      expect(
        (await store.notes.listNotes(task.id, { after: 0, limit: 9 })).map(({ kind, author }) => [kind, author]),
      ).toEqual([
        ["question", "ann"],
        ["answer", "zoe"],
      ]);
    });

    it("completes with what its last attempt brought when that is accepted, and sets free who waited for it", async () => {
      const bench = use();
      const { store } = bench;
      const task = await submit(store);
      const after = await submit(store, { dependsOn: [{ id: task.id, outcome: "completed" }] });
      await endClaim(store, await claimAs(store, {}, { id: task.id }), { end: failed(0), verdict: '{"n":1}' });
      await endClaim(store, await claimAs(store, {}, { id: task.id }), { end: review, verdict: VERDICT });
      expect(await store.tasks.getTask(task.id)).toMatchObject({ gate: "review", question: "good?", result: null });
      bench.now += 9;
      expect(had(await store.notes.answer({ taskId: task.id, by: "zoe", text: "", accept: true }))).toBe("completed");
      expect(await store.tasks.getTask(task.id)).toMatchObject({
        state: "completed",
        gate: "open",
        question: null,
        endedAt: bench.now,
        result: JSON.parse(VERDICT),
        failure: null,
      });
      expect(await store.tasks.getTask(after.id)).toMatchObject({ gate: "open" });
      const story = await store.events.readEvents(
        0,
        { subject: task.id, types: ["task.answered", "task.finished"] },
        9,
      );
      expect(story.map(({ type, data }) => [type, data.accepted ?? data.state])).toEqual([
        ["task.answered", true],
        ["task.finished", "completed"],
      ]);
      expect((await store.notes.listNotes(task.id, { after: 0, limit: 9 })).map(({ kind }) => kind)).toEqual([
        "question",
      ]);
    });

    it("goes back to work when a review is answered otherwise", async () => {
      const { store } = use();
      const task = await submit(store);
      await endClaim(store, await claimAs(store), { end: review, verdict: VERDICT });
      expect(had(await store.notes.answer({ taskId: task.id, by: "zoe", text: "no", accept: false }))).toBe("queued");
      expect((await claimAs(store)).task.id).toBe(task.id);
    });

    it("refuses an answer that nobody has asked for, and to accept where there is nothing", async () => {
      const { store } = use();
      const task = await submit(store);
      const answer = (taskId: string, accept = false) =>
        store.notes.answer({ taskId, by: "zoe", text: "x", accept }).then(refusalOf);
      expect(await answer("none")).toBe("task_not_found");
      expect(await answer(task.id)).toBe("invalid_state");
      const held = await claimAs(store);
      expect(await answer(task.id)).toBe("invalid_state");
      await endClaim(store, held, { end: asks });
      expect(await answer(task.id, true)).toBe("invalid_state");
      expect(await store.notes.listNotes(task.id, { after: 0, limit: 9 })).toHaveLength(1);
      expect(await answer(task.id)).toBe("granted");
    });

    it("ends like any that waits: by a cancel, by its deadline, and a retry forgets the question", async () => {
      const bench = use();
      const { store } = bench;
      const cancelled = await submit(store);
      await endClaim(store, await claimAs(store), { end: asks });
      await store.tasks.requestTaskCancel(cancelled.id, "me");
      expect(await store.tasks.getTask(cancelled.id)).toMatchObject({ state: "cancelled", question: null });
      expect(await store.tasks.retryTask(cancelled.id)).toMatchObject({ state: "queued", gate: "open" });
      await store.tasks.requestTaskCancel(cancelled.id, "me");
      const late = await submit(store, { deadlineMs: 10 });
      await endClaim(store, await claimAs(store), { end: asks });
      bench.now += 11;
      await claim(store, await engineLease(store));
      expect(await store.tasks.getTask(late.id)).toMatchObject({ failure: { code: "deadline_exceeded" } });
    });

    it("is cancelled when that was wished while it asked", async () => {
      const { store } = use();
      const task = await submit(store);
      const held = await claimAs(store);
      await store.tasks.requestTaskCancel(task.id, "me");
      expect(await end(store, held.task, asks)).toEqual({ written: true, value: "cancelled" });
    });
  });

  describe("the thread of a task", () => {
    it("is read by cursor, oldest first, also after the task's end", async () => {
      const bench = use();
      const { store } = bench;
      const task = await submit(store);
      const held = await claimAs(store);
      const guard = guardOf(held.task);
      const by = { taskId: task.id, author: "ann", kind: "note" } as const;
      const first = await store.notes.addNote({ ...by, text: "one", guard });
      expect(first).toMatchObject({ written: true, value: { at: bench.now, author: "ann", attempt: 1, text: "one" } });
      await endClaim(store, held, { end: succeeded() });
      await store.notes.addNote({ ...by, text: "two\n\u{1F600}" });
      const [one, two] = await store.notes.listNotes(task.id, { after: 0, limit: 9 });
      expect([one?.text, two?.text, two?.attempt]).toEqual(["one", "two\n\u{1F600}", null]);
      expect(await store.notes.listNotes(task.id, { after: one?.number ?? 0, limit: 9 })).toEqual([two]);
      expect(await store.notes.listNotes(task.id, { after: 0, limit: 1 })).toEqual([one]);
      expect(await store.notes.listNotes("none", { after: 0, limit: 9 })).toEqual([]);
      const newest = (limit: number, characters: number) => store.notes.newestNotes(task.id, { limit, characters });
      expect(await newest(1, 1_000)).toEqual([two]);
      expect(await newest(9, 1_000)).toEqual([one, two]);
      expect(await newest(9, (one?.text.length ?? 0) + (two?.text.length ?? 0) - 2)).toEqual([two]);
      expect(await newest(9, 0)).toEqual([two]);
      const told = await store.events.readEvents(0, { types: ["task.noted"] }, 9);
      expect(told.map(({ subject, data }) => [subject, data.number])).toEqual([
        [task.id, one?.number],
        [task.id, two?.number],
      ]);
    });

    it("refuses a note of an attempt that is over, counted, and one to no task", async () => {
      const { store } = use();
      await submit(store);
      const held = await claimAs(store);
      await endClaim(store, held, { end: failed(0) });
      const by = { taskId: held.task.id, author: "ann", kind: "note", text: "late" } as const;
      const guard = guardOf(held.task);
      expect(await store.notes.addNote({ ...by, guard })).toEqual({ written: false, refusal: "stale_fence" });
      expect(await store.staleWritesRefused()).toBe(1);
      expect(await store.notes.addNote({ ...by, taskId: "none" })).toEqual({ written: false, refusal: "not_found" });
      expect(await store.staleWritesRefused()).toBe(1);
      expect(await store.notes.listNotes(held.task.id, { after: 0, limit: 9 })).toEqual([]);
    });
  });
}
