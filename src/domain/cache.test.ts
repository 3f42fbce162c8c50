import { describe, expect, it } from "vitest";
import { checkCacheKey, checkCacheSize, LARGEST_CACHE_VALUE } from "./cache.js";
import { LONGEST_KEY } from "./variable.js";

const codeOf = (work: () => void): unknown => {
  try {
    work();
    return null;
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
};

describe("checkCacheKey", () => {
  it.each(["k", "a/b: c\n🦀", "k".repeat(LONGEST_KEY)])("takes %j", (key) => {
    expect(codeOf(() => checkCacheKey(key))).toBeNull();
  });

  it.each(["", "k".repeat(LONGEST_KEY + 1), "\ud800"])("refuses %j", (key) => {
    expect(codeOf(() => checkCacheKey(key))).toBe("invalid_input");
  });
});

describe("checkCacheSize", () => {
  it("takes what fits", () => {
    expect(codeOf(() => checkCacheSize(0, 0))).toBeNull();
    expect(codeOf(() => checkCacheSize(LARGEST_CACHE_VALUE, LARGEST_CACHE_VALUE))).toBeNull();
  });

  it("refuses what is larger than an entry, or than the whole cache", () => {
    expect(codeOf(() => checkCacheSize(LARGEST_CACHE_VALUE + 1, 2 * LARGEST_CACHE_VALUE))).toBe("invalid_input");
    expect(codeOf(() => checkCacheSize(11, 10))).toBe("invalid_input");
  });
});
