/** Gathers what is asked for in one turn into one call: a thousand concurrent submissions become one statement's rows. */

interface Waiting<In, Out> {
  readonly item: In;
  readonly resolve: (value: Out) => void;
  readonly reject: (error: unknown) => void;
}

/** A call of more than this many items goes out at once, so that memory and transactions stay bounded. */
const LARGEST = 1_000;

export class TurnBatch<In, Out> {
  readonly #flush: (items: readonly In[]) => Promise<readonly Out[]>;
  #waiting: Waiting<In, Out>[] = [];

  /** @param flush answers with one value for each item, in their order. */
  constructor(flush: (items: readonly In[]) => Promise<readonly Out[]>) {
    this.#flush = flush;
  }

  add(item: In): Promise<Out> {
    return new Promise<Out>((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#waiting.length === 1) queueMicrotask(() => this.#send());
      else if (this.#waiting.length >= LARGEST) this.#send();
    });
  }

  #send(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    this.#flush(waiting.map(({ item }) => item)).then(
      (values) => {
        for (const [at, { resolve }] of waiting.entries()) resolve(values[at] as Out);
      },
      (error: unknown) => {
        for (const { reject } of waiting) reject(error);
      },
    );
  }
}
