import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import { removeDir } from "../conformance/machine-bench.js";
import { describeMachine } from "../conformance/machine-conformance.js";
import { STANDARD_PATH } from "../local/local-fixture.js";
import { createSshMachine } from "./ssh-machine.js";
import { noSshd, type Sshd, startSshd } from "./sshd-fixture.js";

const logins = [
  { shell: "the user's shell", options: {} },
  { shell: "fish", options: { login: 'exec fish -c "$SSH_ORIGINAL_COMMAND"' } },
  { shell: "csh", options: { login: 'exec csh -c "$SSH_ORIGINAL_COMMAND"' } },
  {
    shell: "a shell that chatters",
    options: { login: `echo "Welcome!"; echo "it is late" >&2; eval "$SSH_ORIGINAL_COMMAND"; echo bye` },
  },
];

for (const { shell, options } of logins) {
  describe.skipIf(noSshd !== null)(
    `a machine over ssh, logged in to ${shell}${noSshd === null ? "" : ` (skipped: ${noSshd})`}`,
    () => {
      const dir = mkdtempSync(join(tmpdir(), "waybill-sshd-"));
      let sshd: Sshd;
      beforeAll(async () => {
        sshd = await startSshd({ dir, ...options });
      });
      afterAll(async () => {
        await sshd.kill();
        await removeDir(dir);
      });
      describeMachine("", { create: (at, slots) => createSshMachine(sshd.spec(at, slots), { PATH: STANDARD_PATH }) });
    },
  );
}
