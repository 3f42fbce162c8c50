import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freshDir, removeDir } from "../conformance/machine-bench.js";
import { cancelAttempt } from "./cancel-attempt.js";
import { runDirectory } from "./run-directory.js";

let dir = "";
beforeAll(async () => {
  dir = await freshDir();
});
afterAll(() => removeDir(dir));

function contentNow(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Not asked yet.
    return null;
  }
}

describe("asking an attempt to end", () => {
  it("shows nobody a request that is only half there", async () => {
    const seen = new Set<string>();
    for (let attempt = 1; attempt <= 200; attempt += 1) {
      const run = runDirectory(dir, { runId: "half", attempt });
      const asking = { done: false };
      const asked = cancelAttempt(run, { signal: "INT", graceMs: 1500 }).finally(() => {
        asking.done = true;
      });
      while (!asking.done) {
        const content = contentNow(run.cancel);
        if (content !== null) seen.add(content);
        await turn();
      }
      await asked;
    }
    expect([...seen]).toEqual(["INT 1500\n"]);
  });

  it("lets the first of many say how, and leaves nothing else behind", async () => {
    const run = runDirectory(dir, { runId: "first", attempt: 1 });
    await cancelAttempt(run, { signal: "HUP", graceMs: 10 });
    await Promise.all([1, 2, 3].map((graceMs) => cancelAttempt(run, { signal: "INT", graceMs })));
    await cancelAttempt(run);
    expect(contentNow(run.cancel)).toBe("HUP 10\n");
    expect(await readdir(run.path)).toEqual(["cancel"]);
  });
});
