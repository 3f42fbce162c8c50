import type { Store } from "../store.js";

/** The store of the current test, and a clock that only the test moves. */
export interface Bench {
  readonly store: Store;
  now: number;
}

export type UseBench = () => Bench;
