/** What Waybill keeps on a machine, and which of it may go. Pure: the machine says what there is, and looks again before removing. */

/** `run`: an attempt's directory; `tree`: a placed directory; `upload`: one that did not arrive; `supervisor`: an older version. */
export const GARBAGE_KINDS = ["run", "tree", "upload", "supervisor"] as const;
export type GarbageKind = (typeof GARBAGE_KINDS)[number];

/** `live`: in use, never removed. `waiting`: may still be wanted, goes by age alone. `ended`: nobody waits for it. */
export const STOCK_STATES = ["live", "waiting", "ended"] as const;
export type StockState = (typeof STOCK_STATES)[number];

export interface StockItem {
  readonly kind: GarbageKind;
  /** The name of the file or directory in the folder of its kind. */
  readonly name: string;
  readonly state: StockState;
  readonly bytes: number;
  /** Epoch milliseconds of the machine's clock, to the second. */
  readonly lastUsedAt: number;
}

export interface GarbageLimits {
  /** What was last used before goes; by the machine's clock, epoch milliseconds. */
  readonly usedBefore: number;
  /** Then the least recently used, until no more than this is left; null: no limit. */
  readonly keepBytes: number | null;
}

export interface GarbageChoice {
  readonly doomed: readonly StockItem[];
  readonly freedBytes: number;
  readonly keptBytes: number;
}

const bytesOf = (items: readonly StockItem[]): number => items.reduce((sum, item) => sum + item.bytes, 0);

/** Oldest first; what lives counts for the size and stays, whatever the limits. */
export function chooseGarbage(stock: readonly StockItem[], { usedBefore, keepBytes }: GarbageLimits): GarbageChoice {
  const byAge = [...stock].sort((a, b) => a.lastUsedAt - b.lastUsedAt || (a.name < b.name ? -1 : 1));
  const total = bytesOf(stock);
  const most = keepBytes ?? Number.POSITIVE_INFINITY;
  const doomed: StockItem[] = [];
  let left = total;
  for (const item of byAge) {
    const old = item.state !== "live" && item.lastUsedAt < usedBefore;
    const tooMuch = item.state === "ended" && left > most;
    if (!old && !tooMuch) continue;
    doomed.push(item);
    left -= item.bytes;
  }
  return { doomed, freedBytes: total - left, keptBytes: left };
}
