/** Contact lost and back: the run goes on, is stopped or replaced as it was asked for, and what the machine recorded counts. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { type Gate, gateIn } from "../cli/gate.js";
import { type FleetMachine, noSshd, startFleet } from "../harness/fleet.js";
import { processesWith, signal } from "../harness/processes.js";
import { createSandbox, type Sandbox } from "../harness/sandbox.js";
import { eventsOf, leasesOf } from "../harness/store-look.js";
import { until } from "../harness/until.js";
import { expectNothingLeft } from "./aftermath.js";

type Show = OutputOf<"runs.show">;

const skipped = noSshd === null ? "" : ` (skipped: ${noSshd})`;

interface Fleet {
  readonly box: Sandbox;
  readonly left: FleetMachine;
  readonly right: FleetMachine;
}

/** Two machines with the tag `any`, the first of which is preferred. Tests run side by side, so each has its own. */
async function fleet(whenFinished: (dispose: () => Promise<void>) => void): Promise<Fleet> {
  const box = createSandbox();
  whenFinished(() => box.dispose());
  const [left, right] = await startFleet(box, ["left", "right"], { tags: ["any"] });
  if (left === undefined || right === undefined) throw new Error("Two machines were started.");
  return { box, left, right };
}

/** The machine's last word on an attempt; null while there is none. */
function recordOn(machine: FleetMachine, id: string, attempt = 1): { ended: number; reason: string } | null {
  const path = join(machine.workDir, "runs", `${id}.${attempt}`, "exit");
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as { ended: number; reason: string }) : null;
}

const ended = (machine: FleetMachine, id: string, attempt = 1): Promise<{ ended: number; reason: string }> =>
  until(`attempt ${attempt} has ended on ${machine.name}`, () => recordOn(machine, id, attempt));

const show = (box: Sandbox, id: string): Promise<Show> => box.json<Show>(["runs", "show", id]);

/** Starts a run that waits at a gate on `left` and then leaves with 7. */
async function startGated(box: Sandbox): Promise<{ id: string; gate: Gate; live: ReturnType<Sandbox["spawnCli"]> }> {
  const gate = gateIn(box, "gate");
  const script = `echo before; ${gate.script}\necho after; echo kept > "$WAYBILL_ARTIFACTS_DIR/file"; exit 7`;
  box.work("job", script);
  const live = box.spawnCli(["run", "job", "--machine", "left"]);
  const [, id = ""] = await live.says(/run (\S+) on left/);
  await gate.reached();
  return { id, gate, live };
}

describe.skipIf(noSshd !== null)(
  `a run whose machine goes away${skipped}`,
  { timeout: 110_000, concurrent: true },
  () => {
    it("goes on, and its end and log are those of the machine when contact is back", async ({ onTestFinished }) => {
      const { box, left } = await fleet(onTestFinished);
      const { id, gate, live } = await startGated(box);
      await live.says(/before/);
      await left.sshd.kill();
      await live.says(/left does not answer \(machine_unreachable\); what runs there goes on/);
      expect(await show(box, id)).toMatchObject({ status: "running", unreachable_since: expect.any(String) });
      gate.open();
      const record = await ended(left, id);
      const backAt = Date.now();
      await left.sshd.start();

      const { code, stdout, stderr } = await live.ended;
      expect([code, stdout]).toEqual([7, "before\nafter\n"]);
      expect(stderr).toMatch(/left answers again, after/);
      const run = await show(box, id);
      expect(run).toMatchObject({
        status: "failed",
        exit_code: 7,
        unreachable_since: null,
        artifact_state: "collected",
      });
      expect(Date.parse(run.ended_at ?? "")).toBe(record.ended);
      expect(record.ended).toBeLessThan(backAt);
      expect(readFileSync(join(run.artifacts_path ?? "", "file"), "utf8")).toBe("kept\n");
      expect(eventsOf(box.home, "run.unreachable", id)).toHaveLength(1);
      expect(eventsOf(box.home, "run.reachable", id)).toHaveLength(1);
      await expectNothingLeft(left);
    });

    it("is stopped by the machine itself when it is to go on for so long only", async ({ onTestFinished }) => {
      const { box, left } = await fleet(onTestFinished);
      box.work("job", "echo up; sleep 600");
      const live = box.spawnCli(["run", "job", "--machine", "left", "--on-unreachable", "stop_after 10s"]);
      const [, id = ""] = await live.says(/run (\S+) on left/);
      await live.says(/^up/m);
      await left.sshd.kill();
      const record = await ended(left, id);
      expect(record.reason).toBe("out_of_contact");
      await left.sshd.start();

      expect((await live.ended).code).toBe(130);
      const run = await show(box, id);
      expect(run).toMatchObject({ status: "interrupted", error_code: "out_of_contact" });
      expect(Date.parse(run.ended_at ?? "")).toBe(record.ended);
      await expectNothingLeft(left);
    });

    it("is replaced on another machine once the first must have stopped it, and never runs twice at once", async ({
      onTestFinished,
    }) => {
      const { box, left } = await fleet(onTestFinished);
      const note = box.path("copies");
      const gate = gateIn(box, "second");
      box.work(
        "job",
        `say() { echo "$1 $(date +%s%3N)" >> '${note}'; }
      trap 'say end; exit 0' TERM
      say begin
      case $WAYBILL_ARTIFACTS_DIR in *"on left"*) while :; do sleep 0.1; done ;; esac
      ${gate.script}
      say end`,
      );
      const policy = ["--on-unreachable", "replace_after 10s", "--grace", "1s"];
      const live = box.spawnCli(["run", "job", "--tag", "any", ...policy]);
      const [, id = ""] = await live.says(/run (\S+) on left/);
      await until("the first copy runs", () => existsSync(note));
      await left.sshd.kill();
      await live.says(/moved from left to right: its machine has stopped it for want of contact/);
      await gate.reached();
      gate.open();

      expect((await live.ended).code).toBe(0);
      expect(await show(box, id)).toMatchObject({ status: "completed", machine: "right", attempt: 2 });
      const lines = readFileSync(note, "utf8").trim().split("\n");
      expect(lines.map((line) => line.split(" ")[0])).toEqual(["begin", "end", "begin", "end"]);
      expect(recordOn(left, id)).toMatchObject({ reason: "out_of_contact" });
    });

    const RETURNS = [
      { choice: "keep_original", exit: 3, machine: "original", text: "from left" },
      { choice: "keep_replacement", exit: 4, machine: "replacement", text: "from right" },
    ] as const;
    for (const { choice, exit, text } of RETURNS) {
      it(`that ended while nobody could see it counts, or not, as ${choice} says`, async ({ onTestFinished }) => {
        const { box, left } = await fleet(onTestFinished);
        const [first, second] = [gateIn(box, "first"), gateIn(box, "second")];
        box.work(
          "job",
          `case $WAYBILL_ARTIFACTS_DIR in
        *"on left"*) ${first.script}
          echo from left; exit 3 ;;
        esac
        ${second.script}
        echo from right; exit 4`,
        );
        const policy = ["--on-unreachable", "replace_after 10s", "--on-return", choice, "--grace", "1s"];
        const live = box.spawnCli(["run", "job", "--tag", "any", ...policy]);
        const [, id = ""] = await live.says(/run (\S+) on left/);
        await first.reached();
        await left.sshd.kill();
        first.open();
        const record = await ended(left, id);
        expect(record.reason).toBe("exited");
        await live.says(/moved from left to right/);
        await second.reached();
        await left.sshd.start();
        if (choice === "keep_original") await live.says(/that had it first is back with an end of its own/);
        else await until("the original is settled", () => existsSync(join(left.workDir, "runs", `${id}.1`, "cancel")));
        second.open();

        expect((await live.ended).code).toBe(exit);
        const run = await show(box, id);
        expect(run).toMatchObject({ status: "failed", exit_code: exit });
        expect((await box.cli(["runs", "logs", id])).stdout).toContain(text);
        if (choice === "keep_original") expect(Date.parse(run.ended_at ?? "")).toBe(record.ended);
      });
    }

    it("goes to another machine at once when the first was never asked to start it", async ({ onTestFinished }) => {
      const { box, left, right } = await fleet(onTestFinished);
      await left.sshd.kill();
      box.work("job", "echo done");
      const { code, stdout, stderr } = await box.cli(["run", "job", "--tag", "any"]);
      expect([code, stdout]).toEqual([0, "done\n"]);
      expect(stderr).toMatch(/moved from left to right: its machine was never asked to start it/);
      await expectNothingLeft(right);
    });
  },
);

describe.skipIf(noSshd !== null)(`a run that is left alone${skipped}`, { timeout: 110_000, concurrent: true }, () => {
  /** The same store and inventory under another home, as on another computer. */
  const elsewhere = (box: Sandbox): Record<string, string> => ({
    WAYBILL_HOME: box.path("other-home"),
    WAYBILL_STORE: `file:${join(box.home, "waybill.db")}`,
  });

  it("is followed from another computer with the same store, from its first byte", async ({ onTestFinished }) => {
    const { box } = await fleet(onTestFinished);
    const { id, gate, live } = await startGated(box);
    const other = box.spawnCli(["runs", "attach", id], { env: elsewhere(box) });
    await other.says(/before/);
    gate.open();
    for (const { code, stdout } of [await other.ended, await live.ended]) {
      expect([code, stdout]).toEqual([7, "before\nafter\n"]);
    }
  });

  it("is taken over from another computer when its driver was killed", async ({ onTestFinished }) => {
    const { box } = await fleet(onTestFinished);
    const { id, gate, live } = await startGated(box);
    live.kill("SIGKILL");
    await live.ended;
    const other = box.spawnCli(["runs", "attach", id], { env: elsewhere(box) });
    await other.says(/before/);
    gate.open();
    const { code, stdout } = await other.ended;
    expect([code, stdout]).toEqual([7, "before\nafter\n"]);
    expect(await show(box, id)).toMatchObject({
      exit_code: 7,
      artifacts_path: expect.stringContaining(box.path("other-home")),
    });
  });

  it("ends without anybody, and its outcome with its real end is there when somebody comes back", async ({
    onTestFinished,
  }) => {
    const { box, left } = await fleet(onTestFinished);
    const { id, gate, live } = await startGated(box);
    live.kill("SIGKILL");
    await live.ended;
    // The connections of a computer that is gone are gone as well.
    await left.sshd.kill();
    gate.open();
    const record = await ended(left, id);
    await left.sshd.start();

    expect((await box.cli(["runs", "wait", id])).code).toBe(7);
    const run = await show(box, id);
    expect(run).toMatchObject({ status: "failed", exit_code: 7, artifact_state: "collected" });
    expect(Date.parse(run.ended_at ?? "")).toBe(record.ended);
    expect((await box.cli(["runs", "logs", id])).stdout).toBe("before\nafter\n");
  });

  it("ends while its computer sleeps, and is told as it was after waking", async ({ onTestFinished }) => {
    const { box, left } = await fleet(onTestFinished);
    const { id, gate, live } = await startGated(box);
    const asleep = processesWith(box.home).filter(
      ({ command }) => command.includes("cli.cjs") || /^ssh\b/.test(command),
    );
    for (const { pid } of asleep) signal(pid, "SIGSTOP");
    await left.sshd.kill();
    gate.open();
    const record = await ended(left, id);
    await left.sshd.start();
    for (const { pid } of asleep) signal(pid, "SIGCONT");

    const { code, stdout } = await live.ended;
    expect([code, stdout]).toEqual([7, "before\nafter\n"]);
    expect(Date.parse((await show(box, id)).ended_at ?? "")).toBe(record.ended);
    await until("nobody holds a lease", () => leasesOf(box.home).length === 0);
  });
});
