/** Many workers at once, which are killed, stopped and continued at random, and started again. */
import { setTimeout as pause } from "node:timers/promises";
import type { SeededRandom } from "../crash/seeded-random.js";
import type { LiveCli } from "../harness/cli-process.js";
import { until } from "../harness/until.js";
import type { WorkerYard } from "./worker-yard.js";

export interface StormOptions {
  readonly workers: number;
  readonly leaseMs: number;
  readonly script: string;
  readonly random: SeededRandom;
}

/** One process, told from all others by the session that it gives itself. */
interface Worker {
  readonly session: string;
  readonly live: LiveCli;
  stopped: boolean;
}

/** How often somebody is struck; milliseconds. */
const STRIKE_MS = { least: 100, spread: 500 } as const;
/** Fifty processes on two busy cores take their time to be there. */
const START_MS = 300_000;

export class WorkerStorm {
  readonly #yard: WorkerYard;
  readonly #options: StormOptions;
  readonly #workers: Worker[] = [];
  readonly #resting = new Set<Promise<void>>();
  #started = 0;
  kills = 0;
  stops = 0;
  /** Stops that fell into a write. */
  inWrite = 0;
  /** Sessions that may have lost what they executed: they were killed, or stopped for longer than a part of the lease. */
  readonly struck = new Set<string>();

  constructor(yard: WorkerYard, options: StormOptions) {
    this.#yard = yard;
    this.#options = options;
  }

  /** Resolves when all workers are there. Fails when one has left by itself, with what it said. */
  async begin(): Promise<void> {
    for (let n = 0; n < this.#options.workers; n += 1) this.#workers.push(this.#start());
    const { store } = this.#yard;
    const areThere = async () => {
      await this.#expectAll();
      return (await store.workers.listWorkers()).length >= this.#options.workers;
    };
    await until("all workers are there", areThere, START_MS);
  }

  async #expectAll(): Promise<void> {
    const left = this.#workers.find(({ live }) => live.hasEnded());
    if (left === undefined) return;
    const { code, signal, stderr } = await left.live.ended;
    throw new Error(`The worker ${left.session} left with ${code ?? signal}: ${stderr.slice(-2_000)}`);
  }

  #start(): Worker {
    this.#started += 1;
    const session = `storm-${this.#started}`;
    const flags = ["--lease", `${this.#options.leaseMs}ms`, "--session", session, "--grace", "1s"];
    return { session, live: this.#yard.worker(this.#options.script, flags), stopped: false };
  }

  /** Strikes for so long. */
  async rage(ms: number): Promise<void> {
    const { random } = this.#options;
    for (const end = Date.now() + ms; Date.now() < end; ) {
      await pause(STRIKE_MS.least + random.below(STRIKE_MS.spread));
      const at = random.below(this.#workers.length);
      const victim = this.#workers[at];
      if (victim === undefined || victim.stopped || (await this.#isWorn(victim))) continue;
      if (random.below(2) === 0) this.#workers[at] = this.#kill(victim);
      else await this.#stop(victim, this.#stopMs());
    }
    await Promise.all(this.#resting);
    await this.#expectAll();
  }

  /** Mostly shorter than a lease by far, now and then longer. */
  #stopMs(): number {
    const { random, leaseMs } = this.#options;
    return random.below(5) === 0 ? leaseMs + random.below(leaseMs / 2) : random.below(leaseMs / 4);
  }

  /** What it executes has lost two attempts: a third would end its task, as it should. */
  async #isWorn({ session }: Worker): Promise<boolean> {
    const { workers, tasks } = this.#yard.store;
    const executed = (await workers.listWorkers())
      .filter((owner) => owner.session === session)
      .flatMap((owner) => owner.tasks);
    const found = await tasks.getTasks(executed.map(({ id }) => id));
    return [...found.values()].some(({ crashes }) => crashes > 1);
  }

  #kill(victim: Worker): Worker {
    this.kills += 1;
    this.struck.add(victim.session);
    victim.live.kill("SIGKILL");
    return this.#start();
  }

  /**
   * A stop that is short of the lease by far takes nothing from anybody. Who is stopped in the middle of a write keeps all
   * others from writing, as SQLite's locks are; it is let go at once, since what would follow is nobody's reclaim.
   */
  async #stop(victim: Worker, ms: number): Promise<void> {
    victim.stopped = true;
    victim.live.kill("SIGSTOP");
    const { leaseMs } = this.#options;
    const isFree = await Promise.race([
      this.#yard.store.probe().then(() => true),
      pause(leaseMs / 4).then(() => false),
    ]);
    if (!isFree) this.inWrite += 1;
    else {
      this.stops += 1;
      if (ms >= leaseMs / 4) this.struck.add(victim.session);
    }
    const rest = pause(isFree ? ms : 0).then(() => {
      victim.live.kill("SIGCONT");
      victim.stopped = false;
      this.#resting.delete(rest);
    });
    this.#resting.add(rest);
  }

  /** Tells all workers to stop, and answers with the codes with which they left. */
  async end(): Promise<readonly (number | null)[]> {
    for (const { live } of this.#workers) live.kill("SIGTERM");
    return await Promise.all(this.#workers.map(async ({ live }) => (await live.ended).code));
  }
}
