/** A dispatch whose worker takes the claim over: one owner at a time, and back to the parent when it ends without a word. */
import { describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { gateIn } from "../crash/gate.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { until } from "../harness/until.js";
import { dispatchesOf, HAND_OFF, takeOverAndStay } from "./dispatches.js";
import { verbsOf } from "./verbs.js";

const box = perTest(createSandbox);
const verbs = verbsOf(box);
const dispatches = dispatchesOf(box);

const submit = (...args: string[]) => verbs.submit("review", ...args);

describe("a claim that is handed over", () => {
  it("is the worker's under a fence of its own, and ends with its result", async () => {
    const id = await submit();
    const answer = await dispatches.answer(id, [HAND_OFF, "--agent", "ann"]);
    const { attempts, notes } = await dispatches.show(id);

    expect(answer).toMatchObject({ source: "store", task: { state: "completed", attempt: 2 } });
    expect(attempts.map(({ state, returned, worker }) => [state, returned, worker?.agent_id])).toEqual([
      ["cancelled", "handed_off", "ann"],
      ["succeeded", null, `ann/${id}`],
    ]);
    expect(notes).toMatchObject([{ kind: "notice", text: `Worker started: ann/${id}` }]);
  });

  it("comes back to the parent when its worker ends without a word, and by no other way", async () => {
    const id = await submit();
    const worker = dispatches.worker(`${takeOverAndStay()}\nexit 5`);
    const answer = await dispatches.answer(id, [HAND_OFF, "--agent", "ann", "--worker-bin", worker]);
    const { attempts } = await dispatches.show(id);

    expect(answer).toMatchObject({
      source: "exit",
      error_code: "nonzero_exit",
      task: { state: "scheduled", failures: 1 },
    });
    expect(attempts.map(({ state, returned, worker: by }) => [state, returned, by?.agent_id])).toEqual([
      ["cancelled", "handed_off", "ann"],
      ["cancelled", "handed_off", `ann/${id}`],
      ["failed", null, "ann"],
    ]);
  });

  it("is kept by the parent for as long as the worker runs, although the worker says nothing", async () => {
    const id = await submit();
    const gate = gateIn(box);
    const worker = dispatches.worker(
      `${takeOverAndStay("--handoff-ttl=1s")}\n${gate.wait}\necho 'dispatch-result|success|late'`,
    );
    const parent = dispatches.start(id, [HAND_OFF, "--lease", "1s", "--agent", "ann", "--worker-bin", worker]);
    await until("the worker has it", async () => (await verbs.show(id)).attempt === 2);
    const first = dispatches.leaseUntil();
    await until("three leases have passed", () => dispatches.leaseUntil() > first + 3_000);
    gate.open();

    expect(await parent.ended).toMatchObject({ code: 0 });
    expect(await dispatches.show(id)).toMatchObject({ state: "completed", attempt: 3, result: { summary: "late" } });
  });
});

describe("`tasks dispatch worker` by itself", () => {
  const worker = (id: string, ...args: string[]) => [
    ...["tasks", "dispatch", "worker", "--task-id", id, "--task-thread", id, "--worker-agent-id", "bob"],
    ...args,
  ];

  it("prints the result as its last line, and records nothing without a claim", async () => {
    const id = await submit();
    const args = worker(id, "--result", "fork", "--summary", "two ways", "--branch", "x", "--rev", "7");
    const { stdout } = await box.cli(args);

    expect(stdout).toBe("dispatch-result|fork|two ways|x|7\n");
    expect(await verbs.show(id)).toMatchObject({ state: "queued", attempt: 0 });
  });

  it("takes the claim over from the agent that has it, and from no other", async () => {
    const id = await submit();
    const queued = await verbs.refused(worker(id, "--claim-from-agent-id", "ann"));
    expect(queued).toMatchObject({ code: "invalid_state", message: expect.stringContaining("is queued") });
    await verbs.claim(id, "--agent", "ann");
    const other = await verbs.refused(worker(id, "--claim-from-agent-id", "eve"));
    expect(other).toMatchObject({ code: "invalid_state", message: expect.stringContaining("is executed by ann") });
    const taken = await box.json<OutputOf<"tasks.dispatch.worker">>(worker(id, "--claim-from-agent-id", "ann"));

    expect(taken).toMatchObject({ outcome: "recorded", task: { state: "completed", attempt: 2 } });
    expect((await dispatches.show(id)).attempts.at(-1)).toMatchObject({
      fence: taken.fence,
      worker: { agent_id: "bob" },
    });
  });

  it("presents the fence that it was given", async () => {
    const id = await submit();
    await verbs.claim(id, "--agent", "ann");
    const late = await verbs.refused(worker(id, "--claim-from-agent-id", "ann", "--fence", "999"));

    expect(late).toMatchObject({ exit: 4, code: "stale_write" });
    expect(await verbs.show(id)).toMatchObject({ state: "running", attempt: 1 });
  });

  it("knows the thread of a task by its id alone", async () => {
    const id = await submit();
    const refused = await verbs.refused([
      "tasks",
      "dispatch",
      "worker",
      "--task-id",
      id,
      "--task-thread",
      "t",
      "--worker-agent-id",
      "b",
    ]);

    expect(refused).toMatchObject({ code: "invalid_input", message: expect.stringContaining("--task-thread") });
  });
});
