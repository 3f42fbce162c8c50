import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { mergeSort } from "./merge-sort.mjs";
import { decode, encode } from "./run-length.mjs";

const CASES = 1000;
const seed = Number(process.argv[2]);

/** mulberry32: small, and the same numbers on every machine. */
function generator(start) {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = generator(seed);
const upTo = (limit) => Math.floor(random() * limit);
const listOf = (make, longest) => Array.from({ length: upTo(longest + 1) }, make);
const pairs = () => listOf((_, index) => ({ key: upTo(10), index }), 60);
const text = () => listOf(() => "aab é🙂"[upTo(5)] ?? "b", 40).join("");
const byKey = (a, b) => a.key - b.key;

const PROPERTIES = {
  "a sorted list is in order": [
    pairs,
    (list) => {
      const sorted = mergeSort(list, byKey);
      for (let i = 1; i < sorted.length; i += 1) assert.ok(sorted[i - 1].key <= sorted[i].key);
    },
  ],
  "a sorted list has the same elements": [
    pairs,
    (list) => {
      assert.deepEqual(new Set(mergeSort(list, byKey)), new Set(list));
      assert.equal(mergeSort(list, byKey).length, list.length);
    },
  ],
  "equal elements keep their order": [
    pairs,
    (list) => {
      const sorted = mergeSort(list, byKey);
      for (let i = 1; i < sorted.length; i += 1) {
        assert.ok(sorted[i - 1].key < sorted[i].key || sorted[i - 1].index < sorted[i].index);
      }
    },
  ],
  "a text is what it decodes to": [text, (value) => assert.equal(decode(encode(value)), value)],
  "neighbouring runs differ": [
    text,
    (value) => {
      const runs = encode(value);
      for (let i = 1; i < runs.length; i += 1) assert.notEqual(runs[i - 1][0], runs[i][0]);
    },
  ],
};

let failures = 0;
const report = Object.entries(PROPERTIES).map(([name, [make, check]]) => {
  for (let n = 1; n <= CASES; n += 1) {
    const value = make();
    try {
      check(value);
    } catch (error) {
      failures += 1;
      console.log(`FAIL ${name} (seed ${seed}, case ${n}): ${JSON.stringify(value)}\n     ${error.message}`);
      return { name, cases: n, holds: false, value };
    }
  }
  console.log(`ok   ${name} (${CASES} cases)`);
  return { name, cases: CASES, holds: true };
});

writeFileSync(join(process.env.WAYBILL_ARTIFACTS_DIR, "properties.json"), JSON.stringify({ seed, report }, null, 2));
process.exitCode = failures === 0 ? 0 : 1;
