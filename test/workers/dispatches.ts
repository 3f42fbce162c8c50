/** Dispatches under test: workers as small programs in sh, parents as processes, and what must be true of every task. */
import { writeFileSync } from "node:fs";
import { expect } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { builtCli } from "../harness/built-cli.js";
import type { CliOptions, CliResult, LiveCli } from "../harness/cli-process.js";
import { processesWith } from "../harness/processes.js";
import type { Sandbox } from "../harness/sandbox.js";
import { eventsOf, rowsOf } from "../harness/store-look.js";
import { until } from "../harness/until.js";
import { type Detail, verbsOf } from "./verbs.js";

export type Dispatched = OutputOf<"tasks.dispatch.parent">;

/** Lets the worker take the claim over from its parent. */
export const HAND_OFF = "--worker-claim-handoff";

export interface Dispatches {
  /** Writes a worker in the language of sh, which has `waybill` as a command. @returns its path */
  worker(script: string): string;
  /** Starts a parent and leaves it running. */
  start(id: string, args?: readonly string[], options?: CliOptions): LiveCli;
  /** Runs a parent to its end, whatever that is. */
  run(id: string, args?: readonly string[], options?: CliOptions): Promise<CliResult>;
  /** The answer of a parent, whatever its exit code. */
  answer(id: string, args?: readonly string[], options?: CliOptions): Promise<Dispatched>;
  /** Reads a task, of which must be true what is true of every task. */
  show(id: string): Promise<Detail>;
  /** When the last lease of a worker ends that nobody has given back, as the store has it; epoch ms. */
  leaseUntil(): number;
  /** Fails unless all processes of the sandbox have ended. */
  nothingLeft(): Promise<void>;
}

export function dispatchesOf(box: Sandbox): Dispatches {
  const command = (id: string, args: readonly string[]) => ["tasks", "dispatch", "parent", "--task-id", id, ...args];
  let made = 0;
  return {
    worker: (script) => {
      made += 1;
      const path = box.path(`worker-${made}`);
      const waybill = `waybill() { '${process.execPath}' '${builtCli()}' "$@"; }`;
      writeFileSync(path, `#!/bin/sh\n${waybill}\n${script}\n`, { mode: 0o755 });
      return path;
    },
    start: (id, args = [], options) => box.spawnCli(command(id, args), options),
    run: (id, args = [], options) => box.cli(command(id, args), options),
    answer: (id, args = [], options) => box.json<Dispatched>(command(id, args), options),
    show: async (id) => {
      const task = await verbsOf(box).show(id);
      expectOneOwnerAtATime(box, task);
      return task;
    },
    leaseUntil: () => {
      const held = "SELECT max(expires_at) AS at FROM leases WHERE name LIKE 'worker/%' AND holder_pid IS NOT NULL";
      return Number(rowsOf(box.home, held)[0]?.at);
    },
    nothingLeft: async () => {
      const left = () => processesWith(box.dir);
      await until("no process is left", () => left().length === 0).catch(() => expect(left()).toEqual([]));
    },
  };
}

/** By the attempts and by the feed, which were written apart: nobody has a task before the one before has lost it. */
export function expectOneOwnerAtATime(box: Sandbox, { id, attempts, ended_at: endedAt }: Detail): void {
  for (const [index, attempt] of attempts.entries()) {
    const before = attempts[index - 1];
    if (before === undefined) continue;
    expect(attempt.fence).toBeGreaterThan(before.fence);
    expect(before.ended_at).not.toBeNull();
    expect(Date.parse(attempt.started_at)).toBeGreaterThanOrEqual(Date.parse(before.ended_at ?? ""));
  }
  const begun = eventsOf(box.home, "task.started", id).map(({ data }) => data.fence);
  expect(begun).toEqual(attempts.map(({ fence }) => fence));
  expect(eventsOf(box.home, "task.finished", id)).toHaveLength(endedAt === null ? 0 : 1);
}

/** A waiter that comes when all is over gets what was recorded. */
export async function expectStored(box: Sandbox, id: string, result: object): Promise<void> {
  const late = await dispatchesOf(box).answer(id);
  expect(late).toMatchObject({ outcome: "existing", task: { id, state: "completed" }, result });
}

/** Lines of a worker that takes the claim over, as its arguments say, and does not answer. */
export const takeOverAndStay = (...args: readonly string[]): string => `
  for word; do case $word in
    --claim-from-agent-id=*) from=\${word#*=} ;;
    --worker-agent-id=*) me=\${word#*=} ;;
    --task-id=*) id=\${word#*=} ;;
  esac; done
  WAYBILL_KILL_AT=dispatch.handed_over waybill tasks dispatch worker --task-id="$id" --task-thread="$id" \\
    --worker-agent-id="$me" --claim-from-agent-id="$from" ${args.join(" ")} >&2`;
