import { mkdtempSync } from "node:fs";
import { readdir, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { attemptDirName } from "../../domain/machine.js";
import { begin, removeDir } from "../conformance/machine-bench.js";
import { localMachine, STANDARD_PATH } from "../local/local-fixture.js";
import { openUpkeep, upkeepOver } from "../upkeep.js";
import { checkOverShell } from "./check-over-shell.js";
import { createSshShell } from "./ssh-shell.js";
import { noSshd, type Sshd, startSshd } from "./sshd-fixture.js";

const environment = { PATH: STANDARD_PATH };
const LONG_AGO = new Date("2026-01-01T00:00:00Z");

describe.skipIf(noSshd !== null)(`a machine over ssh${noSshd === null ? "" : ` (skipped: ${noSshd})`}`, () => {
  const dir = mkdtempSync(join(tmpdir(), "waybill-sshd-"));
  const work = join(dir, "it's work");
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd({ dir });
  });
  afterAll(async () => {
    await sshd.kill();
    await removeDir(dir);
  });

  it("is checked through its login, and is found in order", async () => {
    const spec = sshd.spec(work);
    const findings = await checkOverShell(createSshShell(spec, environment), spec);

    expect(findings.filter((f) => !f.ok)).toEqual([]);
    expect(findings.find((f) => f.name === "work directory")?.value).toBe(work);
    expect(findings.find((f) => f.name === "reach")?.value).toMatch(/^\d+ ms round trip$/);
    expect(findings.find((f) => f.name === "openssh")?.value).toMatch(/^OpenSSH/);
  });

  it("has what is old removed, and what is going on left alone", async () => {
    const machine = localMachine(work, 2);
    const over = await begin({ machine, dir }, "true");
    await machine.settled(over.request);
    const going = await begin({ machine, dir }, "while [ ! -e stop ]; do sleep 0.05; done");
    await utimes(join(work, "runs", attemptDirName(over.request)), LONG_AGO, LONG_AGO);
    const upkeep = openUpkeep(sshd.spec(work), environment);
    const { items } = await upkeep.stock();
    const runs = items.filter((item) => item.kind === "run");

    expect(runs.find((item) => item.state === "ended")).toMatchObject({ lastUsedAt: LONG_AGO.getTime() });
    expect((await upkeep.remove(runs)).map(({ name }) => name)).toEqual([attemptDirName(over.request)]);
    expect(await readdir(join(work, "runs"))).toEqual([attemptDirName(going.request)]);
    await machine.cancel(going.request);
    await machine.settled(going.request);
  });

  it("that is away is told as unreachable", async () => {
    const spec = sshd.spec(join(dir, "elsewhere"));
    await sshd.kill();
    const shell = createSshShell(spec, environment);

    await expect(checkOverShell(shell, spec)).rejects.toMatchObject({ code: "machine_unreachable" });
    await expect(upkeepOver(shell, spec).stock()).rejects.toMatchObject({ code: "machine_unreachable" });
  });
});
