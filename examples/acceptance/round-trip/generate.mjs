import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.argv[2];
mkdirSync(folder, { recursive: true });

/** Bytes that do not compress and are the same on every machine: a chain of hashes. */
function noise(seed, length) {
  const blocks = [];
  for (let block = createHash("sha256").update(seed).digest(); blocks.length * 32 < length; ) {
    blocks.push(block);
    block = createHash("sha256").update(block).digest();
  }
  return Buffer.concat(blocks).subarray(0, length);
}

for (let n = 0; n < 20; n += 1) {
  writeFileSync(join(folder, `text-${n}.txt`), `line ${n} of a text that compresses well\n`.repeat(100 * (n + 1)));
  writeFileSync(join(folder, `noise-${n}.bin`), noise(`seed ${n}`, 1000 * n));
}
writeFileSync(join(folder, "odd,é#name.txt"), "odd names count too\n");
writeFileSync(join(folder, "empty"), "");
