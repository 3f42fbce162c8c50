import { describe, expect, it } from "vitest";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { until } from "../harness/until.js";
import { verbsOf } from "../workers/verbs.js";
import { startTaskEngine } from "./task-engine.js";

const HOLD = `(_p, ctx) => new Promise((_resolve, reject) =>
  ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason)))`;
const MODULE = `
const hold = ${HOLD};
export default [
  defineTask({ type: "held", params: anything, run: hold }),
  defineTask({ type: "single", params: anything, concurrency: 1, run: hold }),
  defineTask({ type: "rare", params: anything, rateLimit: { max: 1, perMs: 3_600_000 }, run: () => 1 }),
  defineTask({ type: "sleepy", params: anything, run: (_p, ctx) => ctx.sleep("nap", 3_600_000) }),
  defineTask({ type: "flaky", params: anything, retry: { backoff: { kind: "fixed", delayMs: 3_600_000 } },
    run: () => { throw new TypeError("not now"); } }),
  defineTask({ type: "killer", params: anything, run: async (_p, ctx) => {
    ctx.log("last words"); await ctx.heartbeat(); process.kill(process.pid, "SIGKILL"); await new Promise(() => 0); } }),
];`;

const box = perTest(createSandbox);
const { submit, show, why } = verbsOf(box);
const writeTasks = () => box.tasks("tasks.mjs", MODULE);
const reaches = (id: string, state: string) => until(`it is ${state}`, async () => (await show(id)).state === state);

describe("`why` of a task that waits", () => {
  it("says that no engine runs, that none knows the type, and that the type is paused", async () => {
    const id = await submit("mail");
    const nobody = await why(id);
    const engine = await startTaskEngine(box, writeTasks());
    await box.cli(["tasks", "pause", "mail"]);

    expect(nobody).toMatchObject([{ code: "no_engine", hint: expect.stringContaining("waybill serve") }]);
    expect(await why(id)).toMatchObject([
      { code: "paused", hint: expect.stringContaining("tasks resume mail") },
      { code: "unknown_type", holders: [expect.stringContaining(`pid ${engine.pid} `)] },
    ]);
  });

  it("names the tasks that it waits for", async () => {
    const first = await submit("mail");
    const id = await submit("mail", "--depends-on", first);

    expect(await why(id)).toMatchObject([
      { code: "waits_for_tasks", holders: [first], hint: expect.stringContaining(`why ${first}`) },
    ]);
  });

  it("names who has its key, and who fills its type", async () => {
    await startTaskEngine(box, writeTasks());
    const holder = await submit("held", "--concurrency-key", "ann");
    await reaches(holder, "running");
    const keyed = await submit("held", "--concurrency-key", "ann");
    const single = await submit("single");
    await reaches(single, "running");
    const second = await submit("single");

    expect(await why(keyed)).toMatchObject([{ code: "key_busy", holders: [holder] }]);
    expect(await why(second)).toMatchObject([{ code: "type_full", holders: [single] }]);
  });

  it("says when the rate of its type lets the next begin", async () => {
    await startTaskEngine(box, writeTasks());
    await reaches(await submit("rare"), "completed");

    expect(await why(await submit("rare"))).toMatchObject([
      { code: "rate_limited", message: expect.stringMatching(/begins 1 times in 1 h 00 m; the next may at 20/) },
    ]);
  });

  it("says that the handlers of those who know it are busy or stop, and whether others come first", async () => {
    const engine = await startTaskEngine(box, writeTasks(), { concurrency: 1, prefetch: 0 });
    await reaches(await submit("held"), "running");

    const [next, last] = [await submit("held"), await submit("held")];
    const holders = [expect.stringContaining(`pid ${engine.pid} `)];
    const about = (text: string) => expect.stringMatching(new RegExp(`^${text}.*others now, or are about to stop`));
    expect(await why(next)).toMatchObject([{ code: "engines_busy", holders, message: about("It is the next") }]);
    expect(await why(last)).toMatchObject([
      { code: "engines_busy", holders, message: about("They take first what is older") },
    ]);
  });

  it("says until when it is scheduled, and what made it so", async () => {
    await startTaskEngine(box, writeTasks());
    const [later, sleepy, flaky] = [
      await submit("held", "--delay", "1h"),
      await submit("sleepy"),
      await submit("flaky"),
    ];
    await reaches(sleepy, "scheduled");
    await reaches(flaky, "scheduled");

    expect(await why(later)).toMatchObject([
      { code: "not_due", message: expect.stringContaining("submitted for then") },
    ]);
    expect(await why(sleepy)).toMatchObject([{ code: "not_due", message: expect.stringContaining("handler sleeps") }]);
    expect(await why(flaky)).toMatchObject([
      { code: "not_due", message: expect.stringContaining("attempt 1 failed with task_failed: not now") },
    ]);
  });
});

describe("`why` of a task that runs or has ended", () => {
  it("says who executes it, that it was told to stop, and that its engine is gone", async () => {
    const engine = await startTaskEngine(box, writeTasks());
    const id = await submit("held");
    await reaches(id, "running");
    const alive = await why(id);
    await engine.kill();
    await box.cli(["tasks", "cancel", id, "--no-wait"]);

    expect(alive).toMatchObject([{ code: "running", holders: [expect.stringContaining(`pid ${engine.pid} `)] }]);
    expect((await why(id)).map(({ code }) => code)).toEqual(["running", "cancelling", "engine_gone"]);
  });

  it("says how it ended, and how it is tried again", async () => {
    const id = await submit("mail");
    await box.cli(["tasks", "cancel", id]);

    expect(await why(id)).toMatchObject([
      { code: "ended", message: expect.stringContaining("cancelled"), hint: expect.stringContaining(`retry ${id}`) },
    ]);
  });

  it("shows the evidence against a task that killed its engines", async () => {
    const id = await submit("killer");
    for (const _ of [1, 2]) {
      await startTaskEngine(box, writeTasks(), { quarantineAfter: 2 }).catch(() => undefined);
      await until("it has killed its engine", async () => {
        const [reason] = await why(id);
        return reason?.code === "running" ? (await why(id)).some(({ code }) => code === "engine_gone") : false;
      });
    }
    await startTaskEngine(box, writeTasks(), { quarantineAfter: 2 });
    await reaches(id, "failed");
    const [reason] = await why(id);

    expect(reason).toMatchObject({ code: "quarantined", message: expect.stringContaining("last words") });
    expect(reason?.message).toContain("Attempt 2: Its engine, process");
  });

  it("refuses what is neither run nor batch nor task", async () => {
    const { code, stderr } = await box.cli(["why", "ffff"]);

    expect(code).toBe(3);
    expect(stderr).toContain("There is no run, batch or task");
  });
});
