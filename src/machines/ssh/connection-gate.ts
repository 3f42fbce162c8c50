/**
 * Lets one request open the shared connection while the others wait, so that a hundred requests to a new machine make
 * one connection, and keeps a machine that just gave no answer from being asked again by every run at once.
 */

/** A machine that gave no answer is left alone for this long, doubling; milliseconds. */
const REST_MS = { first: 250, most: 15_000 } as const;
/** The shared connection outlives its last use by a minute (`PERSIST_SECONDS`); past half of that it is asked for anew. */
const FRESH_MS = 30_000;

export interface Pass {
  /** An answer has begun: the connection stands. */
  passed(): void;
  /** There was no answer, and why. */
  failed(error: unknown): void;
  /** The request is over. */
  left(): void;
}

interface Failure {
  readonly error: unknown;
  readonly until: number;
  readonly restMs: number;
}

export class ConnectionGate {
  #pilot: Promise<void> | null = null;
  #connectedAt: number | null = null;
  #failure: Failure | null = null;

  /** Waits for whoever is opening the connection. Rejects with the error of the last try while the machine rests. */
  async enter(): Promise<Pass> {
    while (this.#pilot !== null) await this.#pilot;
    const now = performance.now();
    if (this.#failure !== null && now < this.#failure.until) throw this.#failure.error;
    if (this.#connectedAt !== null && now - this.#connectedAt < FRESH_MS) return this.#pass(() => undefined);
    let open: () => void = () => undefined;
    this.#pilot = new Promise((resolve) => {
      open = () => {
        this.#pilot = null;
        resolve();
      };
    });
    return this.#pass(open);
  }

  #pass(open: () => void): Pass {
    let over = false;
    const once = (then: () => void): void => {
      if (over) return;
      over = true;
      then();
      open();
    };
    return {
      passed: () =>
        once(() => {
          this.#connectedAt = performance.now();
          this.#failure = null;
        }),
      failed: (error) =>
        once(() => {
          this.#connectedAt = null;
          const restMs = Math.min((this.#failure?.restMs ?? REST_MS.first / 2) * 2, REST_MS.most);
          this.#failure = { error, restMs, until: performance.now() + restMs };
        }),
      left: () => once(() => undefined),
    };
  }
}
