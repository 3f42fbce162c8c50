import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const script = fileURLToPath(new URL("check-layers.mjs", import.meta.url));
const check = (...args: string[]) => spawnSync(process.execPath, [script, ...args], { encoding: "utf8" });

describe("the check of layers", () => {
  it("names every forbidden arrow, missing file, nameless folder and cycle", () => {
    const { status, stderr } = check(fileURLToPath(new URL("fixtures/bad-layers", import.meta.url)));

    expect(status).toBe(1);
    expect(stderr.trim().split("\n").sort()).toEqual([
      "domain/run.ts may not import store/store.ts",
      "import cycle: domain/run.ts -> store/store.ts -> domain/run.ts",
      "machines/machine.ts may not import store/store.ts",
      "utils/strings.ts imports app/gone.ts, which does not exist",
      'utils/strings.ts: "utils" says nothing about what is in it',
      "utils/strings.ts: no layer is named utils",
    ]);
  });

  it("holds for the sources", () => {
    expect(check().stderr).toBe("");
  });
});
