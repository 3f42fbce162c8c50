import { describe, expect, it } from "vitest";
import { describeByteSize, formatByteSize, parseByteSize } from "./byte-size.js";

describe("parseByteSize", () => {
  it.each([
    ["0B", 0],
    ["17B", 17],
    ["64KiB", 65_536],
    ["512MiB", 536_870_912],
    ["1.5GiB", 1_610_612_736],
    ["2TiB", 2_199_023_255_552],
  ])("reads %s", (text, bytes) => {
    expect(parseByteSize(text)).toBe(bytes);
  });

  it.each(["", "1", "1MB", "1 MiB", "-1B", "1mib", "MiB", "1e3B", "99999999TiB"])("refuses %j", (text) => {
    expect(parseByteSize(text)).toBeNull();
  });
});

describe("formatByteSize", () => {
  it.each([0, 1, 1000, 1024, 1536, 1_073_741_824, 3 * 1024 ** 4])("writes %d so that it is read back", (bytes) => {
    expect(parseByteSize(formatByteSize(bytes))).toBe(bytes);
  });

  it("takes the largest unit that is exact", () => {
    expect([0, 1000, 1536, 1024 ** 3].map(formatByteSize)).toEqual(["0B", "1000B", "1536B", "1GiB"]);
  });
});

describe("describeByteSize", () => {
  it("rounds to what a table has room for", () => {
    expect([0, 512, 1536, 64 * 1024 ** 2].map(describeByteSize)).toEqual(["0 B", "512 B", "1.5 KiB", "64.0 MiB"]);
  });
});
