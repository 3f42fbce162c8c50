import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { offsetOfTail, readLogFile } from "./log-file.js";

let dir = "";
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "waybill-log-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function textOf(path: string, from: number, to?: number): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of readLogFile(path, from, to)) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

describe("a log on disk", () => {
  it("is read from an offset up to another", async () => {
    const path = join(dir, "log");
    await writeFile(path, "one\ntwo\nthree\n");
    expect(await textOf(path, 4)).toBe("two\nthree\n");
    expect(await textOf(path, 4, 7)).toBe("two");
    expect(await offsetOfTail(path, 1)).toBe(8);
  });

  it("that somebody removed is not found, and the refusal names it", async () => {
    const path = join(dir, "removed");
    const refusal = { code: "artifact_not_found", details: { path } };
    await expect(textOf(path, 0)).rejects.toMatchObject(refusal);
    await expect(offsetOfTail(path, 1)).rejects.toMatchObject(refusal);
  });
});
