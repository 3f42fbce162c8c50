import { expect } from "vitest";
import { type DependencyOutcome, judgeDependency } from "../../domain/dependency.js";
import {
  isEndedTask,
  mayBecome,
  QUARANTINE_AFTER,
  type TaskGate,
  type TaskState,
  waitsForPerson,
} from "../../domain/task.js";
import type { AttemptEnd } from "../attempt-store.js";

export interface ModelTask {
  readonly id: string;
  readonly sequence: number;
  readonly priority: number;
  readonly key: string | null;
  readonly waitsFor: { readonly id: string; readonly outcome: DependencyOutcome } | null;
  state: TaskState;
  gate: TaskGate;
  runAt: number;
  failures: number;
  crashes: number;
  resolved: boolean;
  cancelAsked: boolean;
}

/** What a store of tasks is to say, in the plainest form. */
export class TaskModel {
  now = 0;
  readonly tasks = new Map<string, ModelTask>();
  #sequence = 0;

  submit(id: string, priority: number, delayMs: number, key: string | null, waitsFor: ModelTask["waitsFor"]): void {
    this.#sequence += 1;
    const task: ModelTask = {
      id,
      sequence: this.#sequence,
      priority,
      key,
      waitsFor,
      state: delayMs > 0 ? "scheduled" : "queued",
      gate: "open",
      runAt: this.now + delayMs,
      failures: 0,
      crashes: 0,
      resolved: waitsFor === null,
      cancelAsked: false,
    };
    const verdict = waitsFor === null ? "met" : this.#judge(waitsFor);
    task.resolved = verdict !== "waits";
    if (verdict === "waits") task.gate = "dependencies";
    else if (task.state === "queued") task.gate = this.#keyGate(task);
    this.tasks.set(id, task);
    if (verdict === "unmet") this.finish(task, "cancelled");
  }

  #judge({ id, outcome }: NonNullable<ModelTask["waitsFor"]>) {
    return judgeDependency(outcome, this.tasks.get(id)?.state ?? null);
  }

  #keyGate({ key }: ModelTask): TaskGate {
    if (key === null) return "open";
    const holds = (t: ModelTask) =>
      t.key === key && (t.state === "running" || (t.state === "queued" && t.gate === "open"));
    return [...this.tasks.values()].some(holds) ? "key" : "open";
  }

  #ordered(where: (task: ModelTask) => boolean): ModelTask[] {
    return [...this.tasks.values()].filter(where).sort((a, b) => b.priority - a.priority || a.sequence - b.sequence);
  }

  #openKey(key: string | null): void {
    if (key === null) return;
    const [next] = this.#ordered((t) => t.key === key && t.state === "queued" && t.gate === "key");
    if (next !== undefined) next.gate = this.#keyGate(next);
  }

  become(task: ModelTask, state: TaskState): void {
    expect(mayBecome(task.state, state), `${task.state} to ${state}`).toBe(true);
    task.state = state;
  }

  queue(task: ModelTask): void {
    const gate = task.gate === "dependencies" && !task.resolved ? "dependencies" : this.#keyGate(task);
    this.become(task, "queued");
    task.gate = gate;
  }

  finish(task: ModelTask, state: TaskState): void {
    this.become(task, state);
    task.gate = "open";
    this.#after(task.id, task.key, state);
  }

  #after(id: string, key: string | null, state: TaskState | null): void {
    this.#openKey(key);
    for (const task of [...this.tasks.values()].filter((t) => t.waitsFor?.id === id && !t.resolved)) {
      task.resolved = true;
      if (task.gate !== "dependencies" || task.waitsFor === null) continue;
      if (judgeDependency(task.waitsFor.outcome, state) === "unmet") this.finish(task, "cancelled");
      else if (task.state === "scheduled") task.gate = "open";
      else task.gate = this.#keyGate(task);
    }
  }

  #advance(): void {
    const due = [...this.tasks.values()].filter((t) => t.state === "scheduled" && t.runAt <= this.now);
    for (const task of due.sort((a, b) => a.runAt - b.runAt || a.sequence - b.sequence)) this.queue(task);
  }

  /** A claim of one task by its id. @returns whether it is granted */
  claimById(task: ModelTask): boolean {
    this.#advance();
    if (task.state !== "queued" || task.gate !== "open") return false;
    this.become(task, "running");
    return true;
  }

  claim(count: number): string[] {
    this.#advance();
    const chosen = this.#ordered((t) => t.state === "queued" && t.gate === "open").slice(0, count);
    for (const task of chosen) this.become(task, "running");
    return chosen.map(({ id }) => id);
  }

  end(task: ModelTask, how: AttemptEnd): void {
    if (how.state === "lost") {
      this.lose(task);
      return;
    }
    if (how.state === "failed" || how.state === "timed_out") task.failures += 1;
    const ended = this.#endOf(task, how);
    if (ended !== null) this.finish(task, ended);
    else this.#wait(task, how);
  }

  /** The state in which the task ends by it; null when it goes on. */
  #endOf(task: ModelTask, how: AttemptEnd): TaskState | null {
    if (how.state === "succeeded") return "completed";
    if (task.cancelAsked || how.state === "cancelled") return "cancelled";
    return "retryMs" in how && how.retryMs === null ? "failed" : null;
  }

  #wait(task: ModelTask, how: AttemptEnd): void {
    if (how.state === "waiting") {
      this.become(task, "queued");
      task.gate = how.for;
      this.#openKey(task.key);
      return;
    }
    const delayMs = (how.state === "returned" ? how.delayMs : "retryMs" in how ? how.retryMs : 0) ?? 0;
    this.become(task, delayMs > 0 ? "scheduled" : "queued");
    task.runAt = this.now + delayMs;
    if (delayMs > 0) this.#openKey(task.key);
  }

  lose(task: ModelTask): void {
    task.crashes += 1;
    if (task.cancelAsked) this.finish(task, "cancelled");
    else if (task.crashes >= QUARANTINE_AFTER) this.finish(task, "failed");
    else this.become(task, "queued");
  }

  reclaim(task: ModelTask): void {
    if (task.cancelAsked) this.finish(task, "cancelled");
    else this.become(task, "queued");
  }

  /** @returns whether the answer is taken */
  answer(task: ModelTask, accept: boolean): boolean {
    if (task.state !== "queued" || !waitsForPerson(task.gate) || (accept && task.gate !== "review")) return false;
    if (accept) this.finish(task, "completed");
    else task.gate = this.#keyGate(task);
    return true;
  }

  cancel(task: ModelTask): void {
    if (isEndedTask(task.state) || task.cancelAsked) return;
    task.cancelAsked = true;
    if (task.state !== "running") this.finish(task, "cancelled");
  }

  remove(task: ModelTask): void {
    this.tasks.delete(task.id);
    this.#after(task.id, task.key, isEndedTask(task.state) ? task.state : null);
  }

  retry(task: ModelTask): boolean {
    if (task.state !== "failed" && task.state !== "cancelled") return false;
    const gate = this.#keyGate(task);
    this.become(task, "queued");
    Object.assign(task, { gate, failures: 0, crashes: 0, cancelAsked: false, resolved: true });
    return true;
  }
}
