import { mkdtempSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MachineSpec } from "../../domain/machine.js";
import { removeDir } from "../conformance/machine-bench.js";
import { STANDARD_PATH } from "../local/local-fixture.js";
import { machineOpener } from "../open-machine.js";
import { createSshShell } from "../ssh/ssh-shell.js";
import { noSshd, type Sshd, startSshd } from "../ssh/sshd-fixture.js";
import { supervisorSource } from "../supervisor/source.js";
import { type PlayedPowershell, playPowershell } from "./played-powershell-fixture.js";

const KEY = { runId: "run-1", attempt: 2 };
const EXIT = {
  v: 1,
  run: "run-1",
  attempt: 2,
  fence: 3,
  code: 3_221_225_786,
  reason: "exited",
  log_bytes: 12,
  artifacts_manifest_hash: null,
  started: 1,
  ended: 2,
};

describe.skipIf(noSshd !== null)(
  `a Windows machine over real ssh, where a script plays powershell.exe${noSshd === null ? "" : ` (skipped: ${noSshd})`}`,
  () => {
    const dir = mkdtempSync(join(tmpdir(), "waybill-windows-"));
    const environment = { PATH: STANDARD_PATH };
    let sshd: Sshd;
    let powershell: PlayedPowershell;
    let spec: MachineSpec;
    beforeAll(async () => {
      powershell = playPowershell(dir);
      sshd = await startSshd({ dir, login: powershell.login });
      spec = sshd.spec("C:\\way bill", 1, { os: "windows" });
    });
    afterAll(async () => {
      await sshd.kill();
      await removeDir(dir);
    });

    it("gets the supervisor for Windows when it lacks it, and is asked again", async () => {
      const machine = machineOpener(environment)(spec);
      expect(await machine.status(KEY)).toEqual({ state: "absent" });
      const { hash, text } = await supervisorSource("ps");
      expect(await readFile(powershell.supervisorPath(hash))).toEqual(text);
      const asked = (await powershell.orders()).map(({ verb, work_dir }) => [verb, work_dir]);
      expect(asked).toEqual(["observe", null, "observe"].map((verb) => [verb, "C:\\way bill"]));
    });

    it("has its records read as those of any machine", async () => {
      const report = `attempt run-1.2\nstate exit\nsize 12\nexit ${JSON.stringify(EXIT)}\n.\n`;
      await writeFile(join(dir, "run-1.2"), report);
      const machine = machineOpener(environment)(spec);
      expect(await machine.status(KEY, "driver")).toEqual({ state: "exit", exit: EXIT, start: null });
      expect((await powershell.orders()).at(-1)?.args).toEqual(["+run-1.2"]);
    });

    it("is brought arguments and variables as they are", async () => {
      const text = `a "b" 'c' $(d) %e% \`f\`\n\r🚚`;
      const call = { verb: "hello", args: [text, ""], env: { Path: text, PATH: "x" }, deadlineMs: null };
      expect(await createSshShell(spec, environment).call(call)).toEqual({ status: 0, output: Buffer.alloc(0) });
      const order = (await powershell.orders()).at(-1);
      expect(order).toMatchObject({ args: [text, ""], env: ["Path", text, "PATH", "x"] });
    });

    it("is not asked what cannot be brought, and is asked the next thing", async () => {
      const shell = createSshShell(spec, environment);
      const hello = { verb: "hello", args: [], deadlineMs: null };
      await expect(shell.call({ ...hello, args: ["\ud83d"] })).rejects.toMatchObject({ code: "invalid_input" });
      expect((await shell.call(hello)).status).toBe(0);
    });
  },
);
