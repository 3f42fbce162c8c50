/** Agents that do not keep the time which a task allows. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSandbox, type Sandbox } from "../harness/sandbox.js";
import { until } from "../harness/until.js";
import { type Detail, type Verbs, verbsOf } from "./verbs.js";

let box: Sandbox;
let verbs: Verbs;
beforeEach(() => {
  box = createSandbox();
  verbs = verbsOf(box);
});
afterEach(() => box.dispose());

/** Whoever claims looks first at what others have left. */
const afterSomebodyLooked = async (id: string, isOver: (task: Detail) => boolean): Promise<Detail> =>
  await until("somebody has seen that its time is over", async () => {
    await box.cli(["tasks", "claim", "--type", "nothing"]);
    const task = await verbs.show(id);
    return isOver(task) ? task : null;
  });

describe("an agent that has claimed a task", () => {
  it("has it no longer than the task allows, whatever lease it asked for and however often it says that it lives", async () => {
    const id = await verbs.submit("review", "--timeout", "1s", "--max-attempts", "1");
    const claim = await verbs.claim("--lease", "1h", "--pid", String(process.pid));
    const startedAt = Date.parse((await verbs.show(id)).attempts[0]?.started_at ?? "");
    expect(Date.parse(claim.lease.expires_at) - startedAt).toBe(1_000);
    expect(await verbs.say("heartbeat", claim, ["--lease", "1h"])).toMatchObject({ code: 0 });

    const task = await afterSomebodyLooked(id, ({ state }) => state === "failed");
    expect(task).toMatchObject({ failure: { code: "timeout", message: "The attempt took longer than 1000 ms." } });
    expect(task.attempts).toMatchObject([{ state: "timed_out" }]);
    expect(await verbs.say("result", claim, ["--kind", "success", "--summary", "late"])).toMatchObject({ code: 4 });
    expect(await verbs.staleWrites()).toBe(1);
  });

  it("that took too long leaves the task to another attempt, as a failure and not as a crash", async () => {
    const id = await verbs.submit("review", "--timeout", "1s");
    await verbs.claim();

    const task = await afterSomebodyLooked(id, ({ attempts }) => attempts[0]?.state === "timed_out");
    expect(task).toMatchObject({ failures: 1, crashes: 0 });
    expect(await verbs.claim("--wait", "--wait-timeout", "60s")).toMatchObject({ task: { id, attempt: 2 } });
  });

  it("has it no longer than until the task's deadline, after which nobody tries again", async () => {
    const id = await verbs.submit("review", "--deadline", "2s");
    await verbs.claim();

    const task = await afterSomebodyLooked(id, ({ state }) => state === "failed");
    expect(task).toMatchObject({ failure: { code: "deadline_exceeded" } });
    expect(task.attempts).toMatchObject([{ state: "timed_out" }]);
  });
});
