import { describe, expect, it } from "vitest";
import type { LogPiece } from "../../contracts/runs.js";
import { grepLog } from "./grep-log.js";

async function* piecesOf(bytes: Uint8Array, size: number): AsyncGenerator<LogPiece> {
  for (let offset = 0; offset < bytes.length; offset += size) {
    yield { runId: "r", offset, bytes: bytes.subarray(offset, offset + size) };
  }
}

async function grep(log: string | Uint8Array, expression: RegExp, context = 0, size = 5) {
  const found: LogPiece[] = [];
  for await (const piece of grepLog(piecesOf(Buffer.from(log), size), { expression, context })) found.push(piece);
  return found;
}
const texts = (pieces: readonly LogPiece[]) => pieces.map(({ bytes }) => Buffer.from(bytes).toString("latin1"));

describe("picking lines of a log", () => {
  it.each([1, 5, 1000])("finds them however they are cut, in pieces of %d bytes", async (size) => {
    const found = await grep("one\ntwo\nthree\ntwo", /^t\w+o$/, 0, size);

    expect(texts(found)).toEqual(["two\n", "two"]);
    expect(found.map(({ offset }) => offset)).toEqual([4, 14]);
  });

  it("prints context once, where it overlaps too", async () => {
    const log = "a\nb\nc\nX\nd\nX\ne\nf\ng\n";

    expect(texts(await grep(log, /X/, 1)).join("")).toBe("c\nX\nd\nX\ne\n");
    expect(texts(await grep(log, /X/, 2)).join("")).toBe("b\nc\nX\nd\nX\ne\nf\n");
  });

  it("keeps bytes that are no text, and line ends as they are", async () => {
    const bytes = Buffer.from([0xff, 0x20, 0x6f, 0x6b, 0x0d, 0x0a, 0xc3, 0xa4, 0x0a]);

    expect(texts(await grep(bytes, /ok$/))).toEqual(["\xff ok\r\n"]);
    expect(texts(await grep(bytes, /^ä$/))).toEqual(["\xc3\xa4\n"]);
  });

  it("takes a line without end in pieces, so that it is never held whole", async () => {
    const found = await grep(Buffer.alloc(200_000, "x"), /x/, 0, 30_000);

    expect(found.map(({ bytes }) => bytes.length)).toEqual([65_536, 65_536, 65_536, 3_392]);
  });

  it("begins a line with each new attempt's log", async () => {
    async function* attempts(): AsyncGenerator<LogPiece> {
      yield { runId: "r", offset: 0, bytes: Buffer.from("first, cut off") };
      yield { runId: "r", offset: 0, bytes: Buffer.from("second\n") };
    }
    const found: LogPiece[] = [];
    for await (const piece of grepLog(attempts(), { expression: /second/, context: 0 })) found.push(piece);

    expect(texts(found)).toEqual(["second\n"]);
  });
});
