/**
 * The line of those who run with paths or wait for some: who of them is in whose way. It is asked one place at a time, the
 * nearest one before a task first, so that an answer costs the same however many stand in the line.
 */
import { keyOf, placesOf, type Spot } from "./path-places.js";
import {
  commonPath,
  endsFit,
  overlap,
  PATH_MODES,
  type PathPattern,
  type PathScope,
  type ReadScope,
  readPattern,
} from "./path-scope.js";

/**
 * How long a task that waited for paths has them kept free, once nobody is in its way any more; milliseconds. Until it is
 * over nothing that comes after the task takes them; after it, others may go first again: whoever could execute the task
 * has not asked for it.
 */
export const TURN_MS = 10_000;

/** Where a task stands: by rank, the higher first, then by age. Who waits has its priority for a rank. */
export interface Standing {
  readonly rank: number;
  readonly seq: number;
}

/** The rank of those who run: before all who wait. */
export const RUNNING_RANK = Number.MAX_SAFE_INTEGER;

/** Comes after all. */
export const LAST: Standing = { rank: Number.MIN_SAFE_INTEGER, seq: 0 };

export const isBefore = (a: Standing, b: Standing): boolean => a.rank > b.rank || (a.rank === b.rank && a.seq < b.seq);

/** Those who stand in the line, as a store keeps them. */
export interface PathLine {
  /** The patterns that begin at a place, each once. */
  patternsAt(space: string, place: string): readonly string[];
  /** Who is at a spot and stands before somebody, the nearest first, read as they are asked for. */
  before(spot: Spot, standing: Standing): Iterable<Standing>;
  /** The same, each with its patterns in the space and the mode of the spot. */
  patternsBefore(spot: Spot, standing: Standing): Iterable<Standing & { readonly patterns: readonly string[] }>;
  pathsOf(seq: number): readonly PathScope[];
}

/** A spot where somebody may be in the way of `wanted`. */
interface Sight {
  readonly spot: Spot;
  readonly wanted: ReadScope;
  /** Whether everybody there is. */
  readonly surely: boolean;
}

export interface InTheWay {
  readonly standing: Standing;
  /** One of its scopes that is in the way. */
  readonly scope: PathScope;
}

/** Answers for one state of a line after another; remembers only what patterns mean. */
export class PathLookout {
  readonly #line: PathLine;
  readonly #read = new Map<string, PathPattern>();

  constructor(line: PathLine) {
    this.#line = line;
  }

  /** Who is in the way of a task and nearest before it: whoever waits for that one is not called before it is its turn. */
  nearest(task: Standing, paths: readonly PathScope[]): Standing | null {
    let nearest: Standing | null = null;
    for (const sight of this.#sights(paths)) {
      nearest = this.#nearer(sight, task, nearest) ?? nearest;
    }
    return nearest;
  }

  /** Everybody who is in the way. @param task whose paths these are to be */
  all(task: Standing, paths: readonly PathScope[]): readonly InTheWay[] {
    const found = new Map<number, InTheWay>();
    const wanted = paths.map(this.#readScope);
    for (const { spot } of this.#sights(paths)) {
      for (const standing of this.#line.before(spot, task)) {
        if (standing.seq === task.seq || found.has(standing.seq)) continue;
        const scope = this.#line.pathsOf(standing.seq).find((held) => {
          const read = this.#readScope(held);
          return wanted.some((one) => overlap(read, one));
        });
        if (scope !== undefined) found.set(standing.seq, { standing, scope });
      }
    }
    return [...found.values()];
  }

  #nearer({ spot, wanted, surely }: Sight, task: Standing, found: Standing | null): Standing | null {
    const candidates: Iterable<Standing & { readonly patterns?: readonly string[] }> = surely
      ? this.#line.before(spot, task)
      : this.#line.patternsBefore(spot, task);
    for (const { rank, seq, patterns } of candidates) {
      if (found !== null && !isBefore(found, { rank, seq })) return null;
      if (seq === task.seq) continue;
      if (patterns === undefined || patterns.some((one) => this.#meet(one, wanted))) return { rank, seq };
    }
    return null;
  }

  /** Whether they have a path in common. */
  #meet(pattern: string, wanted: ReadScope): boolean {
    return endsFit(pattern, wanted.scope.pattern) && commonPath(this.#readPattern(pattern), wanted.pattern) !== null;
  }

  /** Each spot once but where what is wanted decides who is in the way; the sure ones come first. */
  #sights(paths: readonly PathScope[]): readonly Sight[] {
    const patterns = new Map<string, readonly string[]>();
    const patternsAt = (space: string, place: string): readonly string[] => {
      const key = JSON.stringify([space, place]);
      const found = patterns.get(key) ?? this.#line.patternsAt(space, place);
      patterns.set(key, found);
      return found;
    };
    const sure = new Map<string, Sight>();
    const unsure: Sight[] = [];
    for (const wanted of paths.map(this.#readScope)) {
      for (const sight of this.#sightsOf(wanted, patternsAt)) {
        if (sight.surely) sure.set(keyOf(sight.spot), sight);
        else unsure.push(sight);
      }
    }
    return [...sure.values(), ...unsure];
  }

  *#sightsOf(wanted: ReadScope, patternsAt: PathLine["patternsAt"]): Generator<Sight> {
    const { mode, space } = wanted.scope;
    const { at, above, beneath } = placesOf(wanted.pattern);
    const modes = PATH_MODES.filter((held) => held === "write" || mode === "write");
    for (const place of [...above, at]) {
      for (const pattern of patternsAt(space, place)) {
        if (!this.#meet(pattern, wanted)) continue;
        for (const held of modes) yield { spot: { mode: held, space, place, pattern }, wanted, surely: true };
      }
    }
    if (beneath === "none") return;
    for (const held of modes) {
      yield { spot: { mode: held, space, place: at, pattern: null }, wanted, surely: beneath === "all" };
    }
  }

  #readScope = (scope: PathScope): ReadScope => ({ scope, pattern: this.#readPattern(scope.pattern) });

  #readPattern(pattern: string): PathPattern {
    const known = this.#read.get(pattern) ?? readPattern(pattern);
    this.#read.set(pattern, known);
    return known;
  }
}
