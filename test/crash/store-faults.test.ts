/** A store that is full, read-only, broken or of a later version is told with its code, and nothing in it is harmed. */
import { createHash } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RunView } from "../../src/contracts/run-views.js";
import type { ErrorCode } from "../../src/domain/errors.js";
import type { OutputOf } from "../../src/index.js";
import { mountSmallDisk, type SmallDisk, whyNoSmallDisk } from "../../src/machines/conformance/small-disk.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { rowsOf } from "../harness/store-look.js";
import { expectEndedOnce, expectNothingLeft } from "./aftermath.js";

const noDisk = whyNoSmallDisk();

const box = perTest(createSandbox);

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

describe.skipIf(noDisk !== null)(
  `on a small file system${noDisk === null ? "" : ` (skipped: ${noDisk})`}`,
  { timeout: 120_000 },
  () => {
    let disk: SmallDisk;
    beforeEach(() => {
      disk = mountSmallDisk(box.home, "4m");
      for (const name of ["first", "second"]) box.work(name, `echo ${name}`);
    });
    afterEach(() => disk.unmount());

    it("that is full, work is refused as store_full, and is done by the same command when there is space", async () => {
      await completed("first");
      const filling = disk.fill();
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
        const filling = disk.fill(kib * 1_024);
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
      expect(disk.setReadOnly(true)).toBe(true);
      const before = digest();
      expect((await box.json<{ runs: RunView[] }>(["runs", "list"])).runs).toMatchObject([{ ref: "first" }]);
      await expectRefused(["run", box.path("first")], "store_unwritable");
      await expectRefused(["run", box.path("second")], "store_unwritable");
      await expectRefused(["serve", "--port", "0"], "store_unwritable");
      const { findings } = await box.json<OutputOf<"system.doctor">>(["doctor"]);
      expect(findings.find(({ name }) => name === "store")).toMatchObject({ ok: false });
      expect(digest()).toBe(before);
    });
  },
);

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
