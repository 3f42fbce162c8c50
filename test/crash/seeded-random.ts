/** Random numbers that can be had again: a failing repetition names its seed. */

export interface SeededRandom {
  /** Uniform in [0, below), an integer. */
  below(below: number): number;
  pick<T>(from: readonly [T, ...T[]]): T;
}

/** mulberry32 (Tommy Ettinger, public domain): small, and good enough to scatter crashes. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return { below, pick: (from) => from[below(from.length)] ?? from[0] };
}

/** `WAYBILL_TEST_SEED` repeats a failure; else a new one each time. */
export const newSeed = (): number => Number(process.env.WAYBILL_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
