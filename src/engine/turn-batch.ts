/** Gathers what is asked for in one turn into one call: a thousand concurrent submissions become one statement's rows. */
import { isRefusal } from "./refusal.js";

interface Waiting<In, Out> {
  readonly item: In;
  readonly resolve: (value: Out) => void;
  readonly reject: (error: unknown) => void;
}

/** A call of more than this many items goes out at once, so that memory and transactions stay bounded. */
const LARGEST = 1_000;

export class TurnBatch<In, Out> {
  readonly #flush: (items: readonly In[]) => Promise<readonly Out[]>;
  readonly #schedule: (send: () => void) => void;
  #waiting: Waiting<In, Out>[] = [];

  /**
   * @param flush answers with one value for each item, in their order, or does nothing for any of them. When it refuses
   *   them for good it is asked for each alone, so that one which cannot be taken is no other's affair.
   * @param schedule when a batch goes out: as soon as the present code is done (`queueMicrotask`, the default), or when all
   *   that follows from it is done too (`setImmediate`)
   */
  constructor(
    flush: (items: readonly In[]) => Promise<readonly Out[]>,
    schedule: (send: () => void) => void = queueMicrotask,
  ) {
    this.#flush = flush;
    this.#schedule = schedule;
  }

  add(item: In): Promise<Out> {
    return new Promise<Out>((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#waiting.length === 1) this.#schedule(() => this.#send());
      else if (this.#waiting.length >= LARGEST) this.#send();
    });
  }

  #send(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    this.#ask(waiting);
  }

  #ask(waiting: readonly Waiting<In, Out>[]): void {
    this.#flush(waiting.map(({ item }) => item)).then(
      (values) => {
        for (const [at, { resolve }] of waiting.entries()) resolve(values[at] as Out);
      },
      (error: unknown) => {
        if (waiting.length > 1 && isRefusal(error)) for (const one of waiting) this.#ask([one]);
        else for (const { reject } of waiting) reject(error);
      },
    );
  }
}
