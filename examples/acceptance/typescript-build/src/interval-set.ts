export interface Interval {
  readonly from: number;
  /** Not included. */
  readonly to: number;
}

/** A set of numbers, kept as sorted intervals that neither touch nor overlap. */
export class IntervalSet {
  readonly #intervals: readonly Interval[];

  constructor(intervals: readonly Interval[] = []) {
    this.#intervals = merge(intervals);
  }

  get intervals(): readonly Interval[] {
    return this.#intervals;
  }

  add(interval: Interval): IntervalSet {
    return new IntervalSet([...this.#intervals, interval]);
  }

  has(value: number): boolean {
    return this.#intervals.some(({ from, to }) => from <= value && value < to);
  }

  get length(): number {
    return this.#intervals.reduce((sum, { from, to }) => sum + to - from, 0);
  }
}

function merge(intervals: readonly Interval[]): Interval[] {
  const sorted = intervals.filter(({ from, to }) => from < to).sort((a, b) => a.from - b.from);
  const merged: Interval[] = [];
  for (const next of sorted) {
    const last = merged.at(-1);
    if (last === undefined || next.from > last.to) merged.push(next);
    else merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, next.to) };
  }
  return merged;
}
