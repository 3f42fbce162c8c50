import { describe, expect, it } from "vitest";
import { findLockHolder, parseLocks } from "./lock-holder.js";

const locks = [
  "1: POSIX  ADVISORY  READ  100 fe:00:4242 123 123",
  "2: POSIX  ADVISORY  WRITE 200 fe:00:9999 120 120",
  "3: POSIX  ADVISORY  WRITE 300 fe:00:4242 121 127",
  "3: -> POSIX  ADVISORY  WRITE 350 fe:00:4242 120 120",
  "4: POSIX  ADVISORY  WRITE 400 fe:00:4242 120 120",
].join("\n");

describe("the holder of a write lock", () => {
  it("is the process with the write lock on byte 120 of that file, not one that waits for it", () => {
    expect(parseLocks(locks, 4242)).toBe(400);
    expect(parseLocks("9: POSIX  ADVISORY  WRITE 500 fe:00:7 0 EOF\n", 7)).toBe(500);
  });

  it("is nobody when no line says so", () => {
    expect(parseLocks(locks, 1)).toBeNull();
    expect(findLockHolder("/does/not/exist.db")).toBeNull();
  });
});
