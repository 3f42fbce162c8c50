import { describe, expect, it } from "vitest";
import { ChildLog } from "./child-log.js";

function logOf(limit = 1_000_000) {
  const lines: string[] = [];
  const log = new ChildLog({ limit, write: (line) => lines.push(line) });
  return { log, lines };
}

const feed = (log: ChildLog, ...pieces: readonly (string | Buffer)[]): void => {
  for (const piece of pieces) log.take("stdout", Buffer.from(piece));
};

describe("the log of a child", () => {
  it("has whole lines, however they come, and the last without an end", () => {
    const { log, lines } = logOf();
    feed(log, "on", "e\n\ntw", "o\r\nthr", "ee");
    expect(lines).toEqual(["one", "", "two"]);
    log.finish();
    expect(lines).toEqual(["one", "", "two", "three"]);
    expect(log.lastLine()).toEqual({ text: "three", isCut: false });
  });

  it("keeps the streams apart where they meet within a line", () => {
    const { log, lines } = logOf();
    log.take("stdout", Buffer.from("out"));
    log.take("stderr", Buffer.from("err\n"));
    log.take("stdout", Buffer.from("put\n"));
    log.finish();
    expect(lines).toEqual(["err", "output"]);
    expect(log.lastLine()).toEqual({ text: "output", isCut: false });
  });

  it("puts characters together that come in pieces, and replaces what is not UTF-8", () => {
    const { log, lines } = logOf();
    const bytes = Buffer.from("🙂é\n");
    feed(log, bytes.subarray(0, 2), bytes.subarray(2, 5), bytes.subarray(5), Buffer.from([0x61, 0xff, 0x62, 10]));
    expect(lines).toEqual(["🙂é", "a\ufffdb"]);
  });

  it("cuts a long line where a character begins, and says how much it had", () => {
    const { log, lines } = logOf();
    feed(log, `${"é".repeat(40_000)}x\n`, `a${"é".repeat(40_000)}\n`);
    expect(lines).toEqual([
      `${"é".repeat(32_768)} [waybill: 14.1 KiB more]`,
      `a${"é".repeat(32_767)} [waybill: 14.1 KiB more]`,
    ]);
  });

  it("ends at its limit, and says how much was not kept", () => {
    const { log, lines } = logOf(10);
    feed(log, "12345\n", "1234\n", "12345\n", "1\n");
    log.finish();
    expect(lines).toEqual(["12345", "1234", "[waybill: 2 more lines, 8 B, were not kept; the limit is 10 B]"]);
    expect(log.lastLine()).toEqual({ text: "1", isCut: false });
  });

  it("has nothing of a child that says nothing", () => {
    const { log, lines } = logOf();
    log.finish();
    expect([lines, log.lastLine()]).toEqual([[], null]);
  });

  it("finds the last line that has something on it, long as it may be, among stdout's alone", () => {
    const { log } = logOf(1);
    const long = "x".repeat(1_000_000);
    feed(log, "before\n", long.slice(0, 300_000), `${long.slice(300_000)} \n`, "  \n", "\n");
    log.take("stderr", Buffer.from("err\n"));
    log.finish();
    expect(log.lastLine()).toEqual({ text: long, isCut: false });
  });

  it("says when the last line is longer than a result may be", () => {
    const { log } = logOf(1);
    const most = "y".repeat(16 * 1024 * 1024);
    feed(log, "short\n", most, "y\n");
    expect(log.lastLine()).toEqual({ text: most, isCut: true });
  });
});
