/** A program that dispatches by itself, with what the library has for that: real tasks, real workers, nobody else. */
import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildSpec, buildWorkerCommand, open, parseResult, type Waybill, waitWorkerAbsent } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { dispatchesOf } from "./dispatches.js";

const box = perTest(createSandbox);
let waybill: Waybill;
let started: ChildProcess[];
beforeEach(async () => {
  started = [];
  waybill = await open({ environment: box.env, cwd: box.dir });
});
afterEach(async () => {
  for (const child of started) child.kill("SIGKILL");
  await waybill.close();
});

function start(command: string, args: readonly string[], cwd: string): ChildProcessByStdio<null, Readable, null> {
  const child = spawn(command, args, { cwd, env: box.env, stdio: ["ignore", "pipe", "inherit"] });
  started.push(child);
  return child;
}

/** The agents that hold a task now, as the store knows them. */
async function presentAgents(): Promise<string[]> {
  const { workers } = await waybill.call("workers.list", {});
  return workers.flatMap(({ alive, agent_id: agent }) => (alive && agent !== null ? [agent] : []));
}

describe("a program that dispatches by itself", () => {
  it("claims a task, starts a worker by its spec, reads the line that it prints, and records the result", async () => {
    const { task } = await waybill.call("tasks.submit", { type: "fix", params: { title: "Fix the parser" } });
    const { fence } = await waybill.call("tasks.claim", { id: task.id, agent: "planner" });
    const spec = buildSpec("planner", box.dir, { id: task.id, title: "Fix the parser", files: ["src/parse.ts"] });
    const worker = dispatchesOf(box).worker('waybill "$@"');
    const { command, args, cwd } = buildWorkerCommand(worker, spec);
    const said = await text(
      start(command, [...args, "--result=fork", "--summary=a | b", "--branch=x"], cwd).stdout ?? [],
    );
    const parsed = parseResult(said.trim());

    expect(parsed).toEqual({ ok: true, result: { v: 2, kind: "fork", summary: "a | b", branch: "x" } });
    const recorded = await waybill.call("tasks.result", { id: task.id, fence, file: said });
    expect(recorded).toMatchObject({ outcome: "recorded", task: { state: "queued", gate: "review" } });
    await waybill.call("tasks.answer", { id: task.id, text: "good", accept: true });
    expect(await waybill.call("tasks.show", { id: task.id })).toMatchObject({
      state: "completed",
      result: { branch: "x" },
    });
  });

  it("sees its worker for as long as that lives, and its absence as soon as it is dead", async () => {
    const { task } = await waybill.call("tasks.submit", { type: "fix" });
    const { workerAgentId } = buildSpec("planner", box.dir, { id: task.id, title: "", files: [] });
    const worker = start("/bin/sh", ["-c", "exec sleep 1000"], box.dir);
    await once(worker, "spawn");
    const pid = worker.pid ?? 0;
    await waybill.call("tasks.claim", { id: task.id, agent: workerAgentId, pid, lease: "1h" });

    const soon = waitWorkerAbsent(presentAgents, workerAgentId, { deadlineMs: 1_000 });
    await expect(soon).rejects.toMatchObject({ code: "still_present" });
    worker.kill("SIGKILL");
    await waitWorkerAbsent(presentAgents, workerAgentId, { deadlineMs: 60_000, misses: 2 });
    const reclaimed = await waybill.call("tasks.reclaim", { id: task.id, reason: "its worker is gone" });
    expect(reclaimed.task).toMatchObject({ state: "queued", crashes: 0 });
  });
});
