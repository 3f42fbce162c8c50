/** Makes tasks of schedules that are due. Any engine may; the store lets one of them. */
import { chooseOccurrences, type Schedule } from "../domain/schedule.js";
import type { Firing } from "../store/schedule-store.js";
import type { NewTask } from "../store/task-store.js";
import { isRefusal } from "./refusal.js";
import type { EngineRuntime } from "./runtime.js";
import { timeAfter, timesUntil } from "./schedule-times.js";
import { shownOf } from "./shown.js";
import { prepareSubmission } from "./submission.js";

const AT_ONCE = 100;

export class ScheduleRunner {
  readonly #runtime: EngineRuntime;

  constructor(runtime: EngineRuntime) {
    this.#runtime = runtime;
  }

  /** Records the schedules of the definitions. One that is no longer defined stays until it is removed. */
  async register(): Promise<void> {
    const now = await this.#runtime.store.now();
    const schedules = [...this.#runtime.definitions.values()].flatMap(({ type, schedules }) =>
      schedules.map((schedule) => ({
        ...schedule,
        type,
        nextAt: timeAfter(schedule.rhythm, now, now),
      })),
    );
    if (schedules.length > 0) await this.#runtime.store.schedules.setSchedules(schedules);
  }

  /** Fires what is due, of the types that this engine knows. @returns when to look again */
  async run(): Promise<number | null> {
    const { store, definitions } = this.#runtime;
    const now = await store.now();
    for (const schedule of await store.schedules.dueSchedules(AT_ONCE)) {
      if (definitions.has(schedule.type)) await this.#fire(schedule, now);
    }
    const next = await store.schedules.nextScheduleAt();
    // What is due and was not fired is another engine's, whose types these are.
    return next === null || next <= now ? null : next;
  }

  /** One that can submit nothing, such as params that its schema refuses, is told of and holds up no other. */
  async #fire(schedule: Schedule, now: number): Promise<void> {
    const { store, log } = this.#runtime;
    try {
      const firing = await this.#firingOf(schedule, now);
      if (firing !== null) await store.schedules.fireSchedule(firing);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      log("engine.schedule_failed", { name: schedule.name, error: shownOf(() => (error as Error).message) });
    }
  }

  async #firingOf(schedule: Schedule, now: number): Promise<Firing | null> {
    const { name, rhythm, catchUp, nextAt: dueAt } = schedule;
    if (dueAt === null) return null;
    const due = timesUntil(rhythm, dueAt, now, catchUp === "all");
    const chosen = chooseOccurrences(due, catchUp, now);
    const tasks = await Promise.all(chosen.map(async (at) => ({ at, task: await this.#taskFor(schedule) })));
    return { name, dueAt, nextAt: timeAfter(rhythm, now, dueAt), tasks };
  }

  async #taskFor({ name, type, params, overlap }: Schedule): Promise<NewTask> {
    const definition = this.#runtime.definitions.get(type);
    const facts = { newId: this.#runtime.newId, schedule: name };
    const turn = overlap === "queue" ? { concurrencyKey: `schedule/${name}` } : {};
    if (definition === undefined) throw new TypeError(`No definition of ${type}.`);
    return await prepareSubmission(definition, params, turn, facts);
  }
}
