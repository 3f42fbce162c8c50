/**
 * Bounds the sessions that this process has open on a machine, so that a server refuses none: OpenSSH allows ten on a
 * connection (`MaxSessions`), and whoever is refused logs in anew, which a server allows only a few to do at the same time
 * (`MaxStartups`). Other processes may share the connection, so some are left to them.
 */
import { ConnectionGate } from "./connection-gate.js";

/**
 * What keeps a session: `quick` questions; `long` work that ends by itself, such as a transfer; what is `lasting` until
 * nobody wants it any more. Each kind has places of its own, so that none keeps another waiting.
 */
export type SessionKind = "quick" | "long" | "lasting";

/** Sessions of each kind on one connection. */
const PLACES: Readonly<Record<SessionKind, number>> = { quick: 3, long: 3, lasting: 2 };

/** One shared connection, and who of this process is on it. */
export interface Lane {
  /** 0 for the one that every process uses; the others are for what lasts and found no place there. */
  readonly number: number;
  readonly gate: ConnectionGate;
}

/** A session's place; given back once. */
export interface Place {
  readonly lane: Lane;
  leave(): void;
}

interface CountedLane extends Lane {
  readonly taken: Record<SessionKind, number>;
}

export class SessionPlaces {
  readonly #shared = newLane(0);
  readonly #lanes: CountedLane[] = [this.#shared];
  readonly #queues: Readonly<Record<"quick" | "long", Set<() => void>>> = { quick: new Set(), long: new Set() };

  /** Waits for its turn, first come first served; what lasts is not kept waiting. Rejects with the signal's reason. */
  async enter(kind: SessionKind, signal?: AbortSignal): Promise<Place> {
    if (kind === "lasting") return this.#take(this.#laneWithRoom(), kind);
    if (this.#shared.taken[kind] < PLACES[kind]) return this.#take(this.#shared, kind);
    await this.#turn(this.#queues[kind], signal);
    return this.#placeIn(this.#shared, kind);
  }

  #laneWithRoom(): CountedLane {
    const roomy = this.#lanes.find(({ taken }) => taken.lasting < PLACES.lasting);
    if (roomy !== undefined) return roomy;
    const lane = newLane(this.#lanes.length);
    this.#lanes.push(lane);
    return lane;
  }

  #turn(queue: Set<() => void>, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const called = (): void => {
        signal?.removeEventListener("abort", abort);
        resolve();
      };
      const abort = (): void => {
        queue.delete(called);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", abort, { once: true });
      queue.add(called);
    });
  }

  #take(lane: CountedLane, kind: SessionKind): Place {
    lane.taken[kind] += 1;
    return this.#placeIn(lane, kind);
  }

  #placeIn(lane: CountedLane, kind: SessionKind): Place {
    let left = false;
    const leave = (): void => {
      if (left) return;
      left = true;
      // The place goes from hand to hand: nobody who comes between finds it free.
      if (kind !== "lasting" && callNext(this.#queues[kind])) return;
      lane.taken[kind] -= 1;
    };
    return { lane, leave };
  }
}

/** @returns whether somebody waited. */
function callNext(queue: Set<() => void>): boolean {
  const [next] = queue;
  if (next === undefined) return false;
  queue.delete(next);
  next();
  return true;
}

const newLane = (number: number): CountedLane => ({
  number,
  gate: new ConnectionGate(),
  taken: { quick: 0, long: 0, lasting: 0 },
});
