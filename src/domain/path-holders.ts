/**
 * Who has which paths, to be asked by many who is in the way. Found along the begin of their paths, so that those who
 * work in different places are not compared.
 */
import { overlap, type PathScope, plainBegin, type ReadScope, readScope } from "./path-scope.js";

interface Held<H> extends ReadScope {
  readonly holder: H;
  readonly order: number;
}

/**
 * How long a task that waited for paths has them kept free, once nobody is in its way any more; milliseconds. Until it is
 * over nothing that comes after the task takes them; after it, others may go first again: whoever could execute the task
 * has not asked for it.
 */
export const TURN_MS = 10_000;

/** A place in the tree of all plain begins. */
class Place<H> {
  /** In the order in which they came. */
  readonly held: Held<H>[] = [];
  readonly #inside = new Map<string, Place<H>>();

  enter(segment: string): Place<H> {
    const place = this.#inside.get(segment) ?? new Place<H>();
    this.#inside.set(segment, place);
    return place;
  }

  find(segment: string): Place<H> | undefined {
    return this.#inside.get(segment);
  }

  /** It, and all places in it, however deep. */
  all(): readonly Place<H>[] {
    const found: Place<H>[] = [];
    const open: Place<H>[] = [this];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      found.push(next);
      open.push(...next.#inside.values());
    }
    return found;
  }

  get newest(): number {
    return this.held.at(-1)?.order ?? 0;
  }
}

export interface InTheWay<H> {
  readonly holder: H;
  /** One of its scopes that is in the way. */
  readonly scope: PathScope;
}

export class PathHolders<H> {
  /** By space, whose name is what the begin of all its paths begins with. */
  readonly #root = new Place<H>();
  #order = 0;

  add(holder: H, scopes: readonly PathScope[]): void {
    this.#order += 1;
    for (const one of scopes.map(readScope)) {
      let place = this.#root.enter(one.scope.space);
      for (const segment of plainBegin(one.pattern)) place = place.enter(segment);
      place.held.push({ ...one, holder, order: this.#order });
    }
  }

  /**
   * Those that `counts` names and that are in the way of `scopes`, each once, found as they are asked for: of those in one
   * place the newest first, so that many who want the same file are found each behind the one before.
   */
  *inTheWayOf(scopes: readonly PathScope[], counts: (holder: H) => boolean): Generator<InTheWay<H>> {
    const told = new Set<number>();
    for (const wanted of scopes.map(readScope)) {
      for (const { held } of this.#near(wanted)) {
        for (let at = held.length - 1; at >= 0; at -= 1) {
          const one = held[at] as Held<H>;
          if (told.has(one.order) || !counts(one.holder) || !overlap(one, wanted)) continue;
          told.add(one.order);
          yield { holder: one.holder, scope: one.scope };
        }
      }
    }
  }

  /** Where a path begins, on the way there, and beneath. */
  #near({ scope, pattern }: ReadScope): readonly Place<H>[] {
    let place = this.#root.find(scope.space);
    const found: Place<H>[] = [];
    for (const segment of plainBegin(pattern)) {
      if (place === undefined) return found;
      found.push(place);
      place = place.find(segment);
    }
    if (place !== undefined) found.push(...place.all());
    return found.sort((a, b) => b.newest - a.newest);
  }
}
