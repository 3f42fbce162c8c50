/** A store that is full, read-only, broken or of a later version is told with its code, and nothing in it is harmed. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RunView } from "../../src/contracts/run-views.js";
import type { ErrorCode } from "../../src/domain/errors.js";
import { createSandbox, type Sandbox } from "../harness/sandbox.js";
import { rowsOf } from "../harness/store-look.js";
import { expectEndedOnce, expectNothingLeft } from "./aftermath.js";

const mount = (...args: readonly string[]): boolean => {
  try {
    execFileSync("mount", args, { stdio: "ignore" });
    return true;
  } catch {
    // Not root, or no tmpfs here: what needs one is skipped, and its title says so.
    return false;
  }
};

function canMount(): boolean {
  const box = createSandbox();
  mkdirSync(box.home);
  const mounted = mount("-t", "tmpfs", "-o", "size=64k", "waybill-test", box.home);
  if (mounted) execFileSync("umount", [box.home]);
  rmSync(box.dir, { recursive: true });
  return mounted;
}

const mountable = canMount();
const unlessMountable = mountable ? "" : " (skipped: cannot mount a tmpfs without root)";

let box: Sandbox;
beforeEach(() => {
  box = createSandbox();
});
afterEach(() => box.dispose());

const store = (): string => join(box.home, "waybill.db");
const digest = (): string => createHash("sha256").update(readFileSync(store())).digest("hex");

/** Runs a command that is to be refused. Its stdout is empty, whatever is wrong. */
async function expectRefused(args: readonly string[], code: ErrorCode): Promise<void> {
  const answer = await box.cli([...args, "--json"]);
  expect(answer).toMatchObject({ code: 5, stdout: "" });
  const last = answer.stderr.trim().split("\n").at(-1) ?? "";
  expect(JSON.parse(last)).toMatchObject({ ok: false, error: { code, hint: expect.any(String) } });
}

const completed = async (name: string): Promise<void> =>
  expect(await box.cli(["run", box.path(name)])).toMatchObject({ code: 0, stdout: `${name}\n` });

describe.skipIf(!mountable)(`on a small file system${unlessMountable}`, { timeout: 120_000 }, () => {
  beforeEach(() => {
    mkdirSync(box.home);
    mount("-t", "tmpfs", "-o", "size=4m,mode=0700", "waybill-test", box.home);
    for (const name of ["first", "second"]) box.work(name, `echo ${name}`);
  });
  afterEach(() => execFileSync("umount", ["-l", box.home]));

  function fill(leaving: number): string {
    const path = join(box.home, "fill");
    const file = openSync(path, "w");
    try {
      for (;;) writeSync(file, Buffer.alloc(4_096));
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe("ENOSPC");
    } finally {
      closeSync(file);
    }
    truncateSync(path, readFileSync(path).length - leaving);
    return path;
  }

  it("that is full, work is refused as store_full, and is done by the same command when there is space", async () => {
    await completed("first");
    const filling = fill(0);
    await expectRefused(["run", box.path("second")], "store_full");
    rmSync(filling);
    expect(rowsOf(box.home, "SELECT ref FROM runs").map((row) => row.ref)).toEqual(["first"]);
    await completed("second");
    expectEndedOnce(box);
    await expectNothingLeft(box);
  });

  it.each([40, 80, 100, 120, 160, 240, 320])(
    "that fills up on the way (%i KiB left), nothing acknowledged is lost and nothing runs twice",
    async (kib) => {
      box.work("second", `echo second; echo ran >> '${box.path("executions")}'`);
      await completed("first");
      const filling = fill(kib * 1_024);
      const answer = await box.cli(["run", box.path("second")]);
      rmSync(filling);
      expect([0, 5, 6]).toContain(answer.code);
      const found = rowsOf(box.home, "SELECT id, ended_at FROM runs WHERE ref = 'second'")[0];
      if (found === undefined || found.ended_at === null) await box.cli(["run", box.path("second")]);
      const { runs } = await box.json<{ runs: RunView[] }>(["runs", "list", "--ref", "second"]);
      expect(runs.length).toBe(1);
      const executed = runs[0]?.status === "completed" ? "ran\n" : "";
      expect(readFileSync(box.path("executions"), { encoding: "utf8", flag: "a+" })).toBe(executed);
      expectEndedOnce(box);
      await expectNothingLeft(box);
    },
  );

  it("that is read-only, what is recorded can be read, work is refused, and not one byte changes", async () => {
    await completed("first");
    await expectNothingLeft(box);
    expect(mount("-o", "remount,ro", box.home)).toBe(true);
    const before = digest();
    expect((await box.json<{ runs: RunView[] }>(["runs", "list"])).runs).toMatchObject([{ ref: "first" }]);
    await expectRefused(["run", box.path("first")], "store_unwritable");
    await expectRefused(["run", box.path("second")], "store_unwritable");
    expect(digest()).toBe(before);
  });
});

describe("a store that", { timeout: 120_000 }, () => {
  beforeEach(async () => {
    box.work("first", "echo first");
    await completed("first");
    await expectNothingLeft(box);
  });

  const COMMANDS = [
    ["runs", "list"],
    ["run", "first"],
    ["batch", "list"],
    ["store", "info"],
  ] as const;

  it.each(COMMANDS)("is of a later version is refused as store_newer by `%s %s`, unchanged", async (...command) => {
    const db = new Database(store());
    db.pragma("user_version = 1000000");
    db.close();
    const before = digest();
    await expectRefused(command, "store_newer");
    expect(digest()).toBe(before);
  });

  it.each(COMMANDS)("is no database is refused as store_corrupt by `%s %s`, unchanged", async (...command) => {
    writeFileSync(store(), "This was a store once.\n".repeat(1_000));
    const before = digest();
    await expectRefused(command, "store_corrupt");
    expect(digest()).toBe(before);
  });

  it("has lost pages in its middle is refused as store_corrupt, and is not made worse", async () => {
    const whole = readFileSync(store());
    whole.fill(0xa5, 4_096);
    writeFileSync(store(), whole);
    const before = digest();
    await expectRefused(["runs", "list"], "store_corrupt");
    await expectRefused(["run", "first"], "store_corrupt");
    expect(digest()).toBe(before);
  });
});
