/** A log that is cut by kill -9 goes on from the bytes already received, and the joined bytes are those that were written. */
import { createHash, randomFillSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { until } from "../harness/until.js";
import { expectNothingLeft } from "./aftermath.js";
import { gateIn } from "./gate.js";
import { newSeed, seededRandom } from "./seeded-random.js";

const MIB = 1024 * 1024;
const SIZE = 10 * MIB;
const PIECES = 40;

const box = perTest(createSandbox);

const seed = newSeed();
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Every byte value, in no order: a log is not text. */
function binaryData(): Buffer {
  return randomFillSync(Buffer.alloc(SIZE));
}

/** Writes its data in pieces, and waits for the gate before the last quarter, so that a cut always finds it alive. */
function writer(data: Buffer, wait: string): string {
  const piece = `dd if=data bs=${SIZE / PIECES} count=1 skip="$i" 2>/dev/null`;
  const loop = (to: number) => `while [ $i -lt ${to} ]; do ${piece}; i=$((i + 1)); sleep 0.02; done`;
  return box.work("writer", ["i=0", loop((PIECES * 3) / 4), wait, loop(PIECES)].join("\n"), { data });
}

/** Kills a follower of the log once it has printed `bytes`, and answers with all that it printed. */
async function cut(args: readonly string[], bytes: number): Promise<Buffer> {
  const follower = box.spawnCli(args);
  await until(`${bytes} bytes were received`, () => follower.bytes().length >= bytes);
  follower.kill("SIGKILL");
  const end = await follower.ended;
  expect(end.signal).toBe("SIGKILL");
  return end.bytes;
}

const idOfNewest = async (): Promise<string> =>
  (await box.json<{ runs: { id: string }[] }>(["runs", "list", "--active"])).runs[0]?.id ?? "";

describe(`a live log of 10 MiB of any bytes (seed ${seed})`, { timeout: 120_000 }, () => {
  it("is whole after one kill -9 of `waybill run` and `runs attach --from`", async () => {
    const data = binaryData();
    const gate = gateIn(box);
    const first = await cut(["run", writer(data, gate.wait)], 3 * MIB);
    const id = await idOfNewest();
    gate.open();
    const rest = await box.cli(["runs", "attach", id, "--from", String(first.length)]);
    expect(rest.code).toBe(0);
    expect(sha256(Buffer.concat([first, rest.bytes]))).toBe(sha256(data));
    await expectNothingLeft(box);
  });

  it("is whole after six cuts in a row at random places", async () => {
    const random = seededRandom(seed);
    const data = binaryData();
    const gate = gateIn(box);
    const most = (SIZE * 3) / 4;
    const received = [await cut(["run", writer(data, gate.wait)], 1 + random.below(MIB))];
    const have = () => received.reduce((sum, piece) => sum + piece.length, 0);
    const id = await idOfNewest();
    for (let n = 0; n < 5; n += 1) {
      const more = Math.min(random.below(2 * MIB), most - have());
      received.push(await cut(["runs", "attach", id, "--from", String(have())], more));
    }
    gate.open();
    const rest = await box.cli(["runs", "attach", id, "--from", String(have())]);
    expect(rest.code).toBe(0);
    expect(sha256(Buffer.concat([...received, rest.bytes]))).toBe(sha256(data));
    expect(sha256((await box.cli(["runs", "logs", id])).bytes)).toBe(sha256(data));
    await expectNothingLeft(box);
  });
});
