import { mkdtempSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { MachineSpec } from "../../domain/machine.js";
import { removeDir } from "../conformance/machine-bench.js";
import { findTool, localSpec, onlyTools, STANDARD_PATH, shellsToTry } from "../local/local-fixture.js";
import { createLocalShell } from "../local/local-shell.js";
import { REMOTE_TOOLS, REQUIRED_TOOLS } from "../machine-facts.js";
import type { MachineFinding } from "../machine-port.js";
import { checkOverShell } from "./check-over-shell.js";

const DAY_MS = 86_400_000;

let dir: string;
let spec: MachineSpec;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "waybill-check-"));
  spec = { ...localSpec(join(dir, "work dir"), 1), transport: "ssh" };
});
afterEach(() => removeDir(dir));

const check = (environment = { PATH: STANDARD_PATH }, clock = Date.now, shell = ["/bin/sh"]) =>
  checkOverShell(createLocalShell(spec.workDir, { environment, shell }), spec, { clock });
const named = (findings: readonly MachineFinding[], name: string) => findings.find((f) => f.name === name);
const bad = (findings: readonly MachineFinding[]) => findings.filter((f) => !f.ok).map((f) => f.name);

/**
 * A PATH of the tools that are required and `more`, with `scripts` before them. Scripts have a folder of their own and are
 * made, never overwritten: the tools are links, and writing to one would write to the program of this host.
 */
async function tools(more: readonly string[], scripts: Readonly<Record<string, string>>) {
  const real = join(dir, "tools");
  onlyTools(real, [...REQUIRED_TOOLS, ...REMOTE_TOOLS, "sh", "rmdir", ...more]);
  const played = join(dir, "played");
  await mkdir(played);
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(played, name), `#!/bin/sh\n${script}\n`, { mode: 0o755, flag: "wx" });
  }
  return { PATH: `${played}:${real}` };
}

for (const { name, shell, skip } of shellsToTry()) {
  describe.skipIf(skip)(`a machine is checked under ${name}`, () => {
    it("and is found in order where everything is there", async () => {
      const findings = await check(undefined, undefined, [...shell]);

      expect(bad(findings)).toEqual([]);
      expect(findings.map((f) => f.name)).toEqual([
        "reach",
        "work directory",
        "free space",
        "tools",
        "session leader",
        "sha-256",
        "tar",
        "zstd",
        "openssh",
        "system",
        "shell",
        "clock",
      ]);
      expect(named(findings, "work directory")?.value).toBe(spec.workDir);
      expect(named(findings, "free space")?.value).toMatch(/^[\d.]+ [KMGT]?i?B$/);
      expect(named(findings, "system")?.value).toBe("Linux");
    });
  });
}

describe("a machine's check", () => {
  it("names what is missing, and what to install", async () => {
    const environment = onlyTools(join(dir, "few"), ["mkdir", "rmdir", "sh", "cat", "date", "readlink"]);
    const findings = await check({ PATH: environment.PATH ?? "" });

    expect(bad(findings)).toEqual(["tools", "session leader", "sha-256", "tar"]);
    expect(named(findings, "tools")?.value).toBe("missing: cp ln mv rm find wc tr sleep sync tee chmod tail mkfifo");
    expect(named(findings, "session leader")).toMatchObject({
      value: "none found",
      hint: expect.stringContaining("setsid"),
    });
  });

  it("finds a clock that is a day off, and says by how much and how surely", async () => {
    const behind = named(await check(undefined, () => Date.now() + DAY_MS), "clock");
    const ahead = named(await check(undefined, () => Date.now() - DAY_MS), "clock");

    expect([behind?.ok, ahead?.ok]).toEqual([false, false]);
    expect(behind?.value).toMatch(/^behind by 86\d{6} ms, give or take \d+ ms$/);
    expect(ahead?.value).toMatch(/^ahead by 86\d{6} ms, give or take \d+ ms$/);
  });

  it("doubts a clock that tells whole seconds by half a second more", async () => {
    const environment = await tools(["setsid", "sha256sum", "tar", "df"], { date: `exec ${findTool("date")} +%s` });
    const clock = named(await check(environment), "clock");

    expect(clock?.ok).toBe(true);
    expect(Number(/give or take (\d+) ms/.exec(clock?.value ?? "")?.[1])).toBeGreaterThanOrEqual(500);
  });

  it("notices that the inventory names another system", async () => {
    const scripts = { uname: "echo Darwin" };
    const findings = await check(await tools(["setsid", "sha256sum", "tar"], scripts));

    expect(named(findings, "system")).toEqual({
      name: "system",
      ok: false,
      value: "Darwin, the inventory says linux",
      hint: "Write `os: macos` for it.",
    });
  });

  it("finds a full disk, also on a file system whose name has spaces", async () => {
    const df =
      "echo 'Filesystem 1024-blocks Used Available Capacity Mounted on'; echo 'map auto home 100 90 1024 90% /home'";
    const findings = await check(await tools(["setsid", "sha256sum", "tar"], { df }));

    expect(named(findings, "free space")).toMatchObject({ ok: false, value: "1.0 MiB" });
  });
});
