/** Fault B of the source: its migration moved the first background run away, so that nobody could find it any more. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { migrateProcessBuckets, openDataStore } from "../../src/index.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "waybill-faults-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

it("B: bringing a store up to date moves no background run, however often and by whomever it is done", async () => {
  const path = join(dir, "store.db");
  const run = {
    id: "first",
    pid: process.pid,
    ref: "build",
    startedAt: "2026-11-21T08:00:00.000Z",
    status: "running",
  } as const;
  const store = await openDataStore(path);
  await store.saveBackgroundRun(run);

  await migrateProcessBuckets(path);
  await store.saveBackgroundRun({ ...run, id: "second" });
  await migrateProcessBuckets(path);

  const other = await openDataStore(path);
  expect(await other.getBackgroundRun("first")).toMatchObject({ id: "first", ref: "build", status: "running" });
  expect((await other.listBackgroundRuns()).map(({ id }) => id).sort()).toEqual(["first", "second"]);
  await other.close();
  await store.close();
});
