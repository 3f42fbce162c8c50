/** Lines that must not jam: for a slot that somebody else's store holds, and behind a run that nobody can start. */
import { rmSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { gateIn } from "../cli/gate.js";
import { perTest } from "../harness/per-test.js";
import { processesWith } from "../harness/processes.js";
import { createSandbox } from "../harness/sandbox.js";
import { until } from "../harness/until.js";

type Submitted = OutputOf<"runs.submit">;
type Why = OutputOf<"system.why">;

const box = perTest(createSandbox);
beforeEach(() => {
  box.machines({ left: { work_dir: "left" } });
});

const submit = async (dir: string, ...args: string[]) =>
  (await box.json<Submitted>(["run", dir, "--detach", ...args])).run.id;
const statusOf = async (id: string) => (await box.json<OutputOf<"runs.show">>(["runs", "show", id])).status;

describe("a run for a machine whose slot another store holds", { timeout: 60_000 }, () => {
  const elsewhere = () => ({ env: { WAYBILL_HOME: box.path("other-home") } });

  it("waits, says for whom, and starts when the slot is free", async () => {
    const gate = gateIn(box, "theirs");
    box.work("theirs", gate.script);
    box.work("ours", "echo ours");
    const { run } = await box.json<Submitted>(["run", "theirs", "--detach"], elsewhere());
    await gate.reached();
    const ours = box.spawnCli(["run", "ours", "--queue"]);
    const [, id = ""] = await ours.says(/run (\S+) on left/);

    const reasons = await until("the machine has said that it is full", async () => {
      const found = (await box.json<Why>(["why", id])).reasons;
      return found[0]?.code === "machine_full" ? found : null;
    });
    expect(reasons[0]?.holders).toEqual([run.id]);
    gate.open();

    expect(await ours.ended).toMatchObject({ code: 0, stdout: "ours\n" });
  });

  it("can be cancelled while it waits", async () => {
    const gate = gateIn(box, "theirs");
    box.work("theirs", gate.script);
    box.work("ours", "echo ours");
    await box.json<Submitted>(["run", "theirs", "--detach"], elsewhere());
    await gate.reached();
    const id = await submit("ours", "--queue");

    expect((await box.cli(["runs", "cancel", id])).code).toBe(0);

    expect(await statusOf(id)).toBe("interrupted");
    gate.open();
  });
});

describe("a run that waits and that nobody can start", { timeout: 60_000 }, () => {
  it("does not keep those behind it from the machine", async () => {
    const gate = gateIn(box, "first");
    box.work("first", gate.script);
    box.work("needs", 'echo "$TOKEN"');
    box.work("quick", "echo quick");
    await submit("first");
    const needy = box.spawnCli(["run", "needs", "--queue", "--env", "TOKEN"], { env: { TOKEN: "secret" } });
    const [, id = ""] = await needy.says(/run (\S+) on left/);
    needy.kill("SIGKILL");
    await needy.ended;
    const quick = box.spawnCli(["run", "quick", "--queue"]);
    await quick.says(/run (\S+) on left/);
    gate.open();

    expect(await quick.ended).toMatchObject({ code: 0, stdout: "quick\n" });
    expect(await statusOf(id)).toBe("pending");
    expect(await box.cli(["runs", "attach", id], { env: { TOKEN: "found" } })).toMatchObject({
      code: 0,
      stdout: "found\n",
    });
  });
});

describe("a machine that has lost every trace of a run", { timeout: 60_000 }, () => {
  it("has its program ended before the next attempt starts", async () => {
    const gate = gateIn(box, "slow");
    box.work("slow", gate.script);
    const id = await submit("slow", "--retries", "1");
    await gate.reached();
    rmSync(box.path("left"), { recursive: true, force: true });

    await until("a second attempt runs", async () => {
      const run = await box.json<OutputOf<"runs.show">>(["runs", "show", id]);
      return run.attempt === 2 && run.status === "running";
    });

    const ofFirst = new Set(processesWith("WAYBILL_ATTEMPT=1").map(({ pid }) => pid));
    expect(processesWith(`WAYBILL_RUN_ID=${id}`).filter(({ pid }) => ofFirst.has(pid))).toEqual([]);
    gate.open();
    expect((await box.cli(["runs", "wait", id])).code).toBe(0);
  });
});

describe("a name that two inventories give to two places", { timeout: 60_000 }, () => {
  it("is refused while a run is active in the other place", async () => {
    const gate = gateIn(box, "here");
    box.work("here", gate.script);
    const id = await submit("here");
    await gate.reached();
    box.machines({ left: { work_dir: "elsewhere" } });

    const { code, stderr } = await box.cli(["run", "here", "--queue"]);

    expect(code).toBe(4);
    expect(stderr).toContain(`left is another machine to run ${id}`);
    gate.open();
  });
});
