import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AnswerEnd, unframe } from "./answer-frame.js";

/** Without a beginning that is also its end, as a random one. */
const NONCE = "a0b1c2d3e4f5061728394a5b6c7d8e9f";

async function* inChunks(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (let turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function read(bytes: Buffer, sizes: readonly number[]): Promise<{ payload: Buffer; end: AnswerEnd }> {
  let begun = false;
  const frames = unframe(inChunks(bytes, sizes), NONCE, () => {
    begun = true;
  });
  const pieces: Buffer[] = [];
  for (;;) {
    const next = await frames.next();
    if (next.done === true) {
      expect(next.value.begun).toBe(begun);
      return { payload: Buffer.concat(pieces), end: next.value };
    }
    pieces.push(next.value);
  }
}

/** Bytes with beginnings of the nonce in them, which must be let through. */
const bytes = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((found) => Buffer.from(found)),
      fc.integer({ min: 1, max: 31 }).map((length) => Buffer.from(NONCE.slice(0, length))),
      fc.constantFrom("\n", "Welcome!\r\n", "$ ").map((text) => Buffer.from(text)),
    ),
    { maxLength: 6 },
  )
  .map((parts) => Buffer.concat(parts))
  .filter((found) => !found.includes(NONCE));
const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 });
const status = fc.integer({ min: 0, max: 255 });

describe("an answer", () => {
  it("is cut out of whatever comes before and after it, however it is chopped", async () => {
    const check = async (banner: Buffer, payload: Buffer, code: number, last: Buffer, chopped: number[]) => {
      const whole = Buffer.concat([
        banner,
        Buffer.from(`${NONCE}\n`),
        payload,
        Buffer.from(`${NONCE} ${code}\n`),
        last,
      ]);
      expect(await read(whole, chopped)).toEqual({ payload, end: { begun: true, status: code } });
    };
    await fc.assert(fc.asyncProperty(bytes, bytes, status, bytes, sizes, check), { numRuns: 300 });
  });

  it("that is cut has no status, and has given what came", async () => {
    const check = async (payload: Buffer, chopped: number[]) => {
      const cut = Buffer.concat([Buffer.from(`${NONCE}\n`), payload]);
      expect(await read(cut, chopped)).toEqual({ payload, end: { begun: true, status: null } });
    };
    await fc.assert(fc.asyncProperty(bytes, sizes, check), { numRuns: 300 });
  });

  it("has not begun when only a banner came", async () => {
    const check = async (banner: Buffer, chopped: number[]) => {
      expect(await read(banner, chopped)).toEqual({ payload: Buffer.alloc(0), end: { begun: false, status: null } });
    };
    await fc.assert(fc.asyncProperty(bytes, sizes, check));
  });
});
