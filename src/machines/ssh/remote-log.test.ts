import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freshDir, removeDir, runToEnd } from "../conformance/machine-bench.js";
import { localMachine, shellsToTry } from "../local/local-fixture.js";
import { createLocalShell } from "./local-shell-fixture.js";
import { growthOverShell, readLogOverShell, tailOffsetOverShell } from "./remote-log.js";

for (const { name, shell: command, skip } of shellsToTry()) {
  describe.skipIf(skip)(`a log read over ${name}`, { timeout: 60_000 }, () => {
    let dir = "";
    beforeAll(async () => {
      dir = await freshDir();
    });
    afterAll(() => removeDir(dir));

    it("is read from a byte, from its last lines, and with its notes, as on a local machine", async () => {
      const machine = localMachine(join(dir, "machine"), 1);
      const { request } = await runToEnd({ machine, dir }, "printf 'one\\ntwo\\nthree'");
      const shell = createLocalShell(machine.spec.workDir, command);
      const pieces: Uint8Array[] = [];
      for await (const piece of readLogOverShell(shell, request, 4)) pieces.push(piece);
      expect(Buffer.concat(pieces).toString()).toBe("two\nthree");
      for (const lines of [0, 1, 2, 3, 9]) {
        expect(await tailOffsetOverShell(shell, request, lines)).toBe(await machine.tailOffset(request, lines));
      }
      expect(await growthOverShell(shell, request)).toBe(await machine.growth(request));
    });

    it("that is not there is empty", async () => {
      const machine = localMachine(join(dir, "machine"), 1);
      const shell = createLocalShell(machine.spec.workDir, command);
      const key = { runId: "nobody", attempt: 1 };
      const pieces: Uint8Array[] = [];
      for await (const piece of readLogOverShell(shell, key, 0)) pieces.push(piece);
      expect(pieces).toEqual([]);
      expect(await tailOffsetOverShell(shell, key, 5)).toBe(0);
      expect(await growthOverShell(shell, key)).toBe("");
    });
  });
}
