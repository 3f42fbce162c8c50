/** The steps of one task: what earlier attempts have done, and what this one adds. */
import type { AttemptGuard } from "../domain/attempt.js";
import { WaybillError } from "../domain/errors.js";
import type { Step, StepStore } from "../store/step-store.js";

export class StepMemory {
  readonly #steps: StepStore;
  readonly #guard: AttemptGuard;
  readonly #used = new Set<string>();
  #known: Promise<Map<string, Step>> | null = null;

  constructor(steps: StepStore, guard: AttemptGuard) {
    this.#steps = steps;
    this.#guard = guard;
  }

  /**
   * The step of that name, if the task has done it; each name is asked for once in an attempt.
   *
   * Errors: `invalid_input` for a name that was used before: its result would stand for two things.
   */
  async recall(name: string): Promise<Step | null> {
    if (name === "" || this.#used.has(name)) {
      throw new WaybillError("invalid_input", `The step "${name}" ${name === "" ? "has no name" : "is there twice"}.`, {
        hint: "Give every step of a handler a name of its own, for example with the index of a loop.",
        details: { step: name },
      });
    }
    this.#used.add(name);
    // A first attempt has nothing to remember.
    if (this.#guard.attempt === 1) return null;
    this.#known ??= this.#steps
      .listSteps(this.#guard.taskId)
      .then((all) => new Map(all.map((step) => [step.name, step])));
    return (await this.#known).get(name) ?? null;
  }
}
