/** Breaks whatever connects a sandbox with its machines, at random, in every way that we know of. */
import { setTimeout as pause } from "node:timers/promises";
import type { SeededRandom } from "../crash/seeded-random.js";
import type { FleetMachine } from "../harness/fleet.js";
import type { Sandbox } from "../harness/sandbox.js";
import type { ChoppingProxy } from "./chopping-proxy.js";
import type { NetworkLink } from "./network-link.js";
import { killProcess, type SshRole, sshProcessesOf } from "./ssh-processes.js";

export interface StormTargets {
  readonly box: Sandbox;
  /** Their servers are killed and started again. */
  readonly machines: readonly FleetMachine[];
  readonly proxies: readonly ChoppingProxy[];
  readonly link: NetworkLink | null;
}

/** Between two cuts, and how long a server or a link stays away; milliseconds. */
const GAP_MS = { least: 20, most: 260 } as const;
const AWAY_MS = { least: 100, most: 2_500 } as const;

/**
 * A connection is left alone at first, for some random time up to this: else the storm would gather where work begins, since
 * there is most to break, and nothing would ever run.
 */
const GRACE_MS = 3_000;

/** What takes all of a machine away is rarer than what breaks one connection. */
const KINDS = [
  "client",
  "client",
  "master",
  "session",
  "session",
  "proxy",
  "proxy",
  "proxy",
  "server",
  "link",
] as const;
type Kind = (typeof KINDS)[number];

export class Storm {
  readonly #targets: StormTargets;
  readonly #random: SeededRandom;
  readonly #counts = new Map<Kind, number>();
  readonly #repairs = new Set<Promise<void>>();
  readonly #away = new Set<FleetMachine | NetworkLink>();

  constructor(targets: StormTargets, random: SeededRandom) {
    this.#targets = targets;
    this.#random = random;
  }

  /** How many cuts there were of each kind. */
  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort());
  }

  total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Cuts until there were `cuts` of them or `signal` says stop; then all servers and links are up again. */
  async rage(cuts: number, signal: AbortSignal): Promise<void> {
    while (this.total() < cuts && !signal.aborted) {
      const kind = this.#random.pick(KINDS);
      // Only what broke something counts, and is followed by a rest.
      const broke = this.#cut(kind);
      if (broke) this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
      await pause(broke ? this.#between(GAP_MS) : GAP_MS.least);
    }
    await Promise.all(this.#repairs);
  }

  #cut(kind: Kind): boolean {
    const { proxies, link, machines } = this.#targets;
    if (kind === "proxy") return this.#pick(proxies)?.chop(this.#random, this.#random.below(GRACE_MS)) != null;
    if (kind === "server") {
      const machine = this.#pick(machines);
      return machine !== null && this.#takeAway(machine, machine.sshd.kill, machine.sshd.start);
    }
    if (kind !== "link") return this.#kill(kind);
    if (link === null) return false;
    return this.#takeAway(
      link,
      async () => link.down(),
      async () => link.up(),
    );
  }

  #kill(role: SshRole): boolean {
    const least = this.#random.below(GRACE_MS);
    const all = sshProcessesOf(this.#targets.box);
    const victim = this.#pick(all.filter((one) => one.role === role && one.ageMs >= least));
    return victim !== null && killProcess(victim);
  }

  #pick<T>([first, ...others]: readonly T[]): T | null {
    return first === undefined ? null : this.#random.pick([first, ...others]);
  }

  #takeAway(what: FleetMachine | NetworkLink, down: () => Promise<void>, up: () => Promise<void>): boolean {
    if (this.#away.has(what)) return false;
    this.#away.add(what);
    const forMs = this.#between(AWAY_MS);
    const repair = (async (): Promise<void> => {
      await down();
      await pause(forMs);
      await up();
      this.#away.delete(what);
    })();
    this.#repairs.add(repair);
    return true;
  }

  #between({ least, most }: { readonly least: number; readonly most: number }): number {
    return least + this.#random.below(most - least);
  }
}
