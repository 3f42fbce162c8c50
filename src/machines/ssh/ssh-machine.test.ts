import { mkdtempSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { logOf, removeDir, runToEnd } from "../conformance/machine-bench.js";
import { describeMachine } from "../conformance/machine-conformance.js";
import { STANDARD_PATH } from "../local/local-fixture.js";
import { createSshMachine } from "./ssh-machine.js";
import { noSshd, type Sshd, type SshdOptions, startSshd } from "./sshd-fixture.js";

const why = noSshd === null ? "" : ` (skipped: ${noSshd})`;

/** Declares tests with a server of their own. */
function withSshd(title: string, options: Omit<SshdOptions, "dir">, facts: (bench: Bench) => void): void {
  describe.skipIf(noSshd !== null)(`${title}${why}`, () => {
    const dir = mkdtempSync(join(tmpdir(), "waybill-sshd-"));
    let sshd: Sshd;
    beforeAll(async () => {
      sshd = await startSshd({ dir, ...options });
    });
    afterAll(async () => {
      await sshd.kill();
      await removeDir(dir);
    });
    facts({ dir, machine: (at, slots) => createSshMachine(sshd.spec(at, slots), { PATH: STANDARD_PATH }) });
  });
}

interface Bench {
  readonly dir: string;
  readonly machine: (dir: string, slots: number) => ReturnType<typeof createSshMachine>;
}

withSshd("a machine over ssh", {}, ({ machine }) => describeMachine("", { create: machine }));

const LOGINS = [
  ["fish", 'exec fish -c "$SSH_ORIGINAL_COMMAND"'],
  ["csh", 'exec csh -c "$SSH_ORIGINAL_COMMAND"'],
  ["a shell that chatters", 'echo "Welcome!"; echo "it is late" >&2; eval "$SSH_ORIGINAL_COMMAND"; echo bye'],
] as const;

for (const [shell, login] of LOGINS) {
  withSshd(`a machine over ssh whose login shell is ${shell}`, { login }, ({ dir, machine }) => {
    it("gets arguments and variables as they are, and gives log, artifacts and exit code", {
      timeout: 60_000,
    }, async () => {
      const bench = { dir, machine: machine(join(dir, "the machine"), 1) };
      const strange = 'it\'s\n"$HOME" `id` !! \\ é';
      const script = 'printf "%s|%s" "$1" "$STRANGE"; cp run.sh "$WAYBILL_ARTIFACTS_DIR"; exit 9';
      const { request, exit } = await runToEnd(bench, script, { args: [strange], env: { STRANGE: strange } });
      expect(exit).toMatchObject({ code: 9, reason: "exited" });
      expect((await logOf(bench.machine, request)).toString()).toBe(`${strange}|${strange}`);
      const { artifactsPath } = await bench.machine.collect(request, join(dir, "brought"));
      expect(await readFile(join(artifactsPath ?? "", "run.sh"), "utf8")).toContain("exit 9");
    });
  });
}
