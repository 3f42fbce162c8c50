import { describe, expect, it } from "vitest";
import { chooseGarbage, type StockItem } from "./machine-garbage.js";

const item = (name: string, lastUsedAt: number, more: Partial<StockItem> = {}): StockItem => ({
  kind: "run",
  name,
  state: "ended",
  bytes: 10,
  lastUsedAt,
  ...more,
});
const names = (stock: readonly StockItem[], usedBefore: number, keepBytes: number | null = null) =>
  chooseGarbage(stock, { usedBefore, keepBytes }).doomed.map(({ name }) => name);

describe("what may go from a machine", () => {
  it("is what was not used for so long, the oldest first", () => {
    expect(names([item("c", 30), item("b", 20), item("a", 10)], 30)).toEqual(["a", "b"]);
    expect(names([item("b", 1), item("a", 1)], 2)).toEqual(["a", "b"]);
    expect(names([item("a", 1), item("b", 1)], 2)).toEqual(["a", "b"]);
  });

  it("is never what lives, however old it is and however little may be kept", () => {
    expect(names([item("a", 1, { state: "live" })], 100, 0)).toEqual([]);
  });

  it("is, beyond age, the least recently used until the rest is small enough", () => {
    const stock = [item("a", 1), item("b", 2), item("c", 3)];

    expect(names(stock, 0, 30)).toEqual([]);
    expect(names(stock, 0, 29)).toEqual(["a"]);
    expect(names(stock, 0, 10)).toEqual(["a", "b"]);
    expect(names(stock, 2, 15)).toEqual(["a", "b"]);
  });

  it("goes by age alone when somebody may still want it", () => {
    const wanted = item("a", 10, { state: "waiting" });

    expect(names([wanted, item("b", 20)], 0, 0)).toEqual(["b"]);
    expect(names([wanted], 11)).toEqual(["a"]);
  });

  it("is told with what it takes, and what is left", () => {
    const stock = [item("a", 1, { bytes: 3 }), item("b", 9, { bytes: 4, state: "live" })];

    expect(chooseGarbage(stock, { usedBefore: 5, keepBytes: null })).toEqual({
      doomed: [stock[0]],
      freedBytes: 3,
      keptBytes: 4,
    });
  });
});
