/** The rules of the source's contract, one test each; where ours is better on purpose, the title says how. */
import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { drive, finished, given } from "../store/conformance/given.js";
import { openStore } from "../store/open-store.js";
import type { BackgroundRun, DataStore, ExecutionRecord } from "./data-store.js";
import { destroyStore } from "./destroy-data-store.js";
import { migrateProcessBuckets } from "./migrate-process-buckets.js";
import { openDataStore } from "./open-data-store.js";

let directory: string;
let path: string;
let store: DataStore;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "waybill-data-"));
  path = join(directory, "missing", "store.db");
  store = await openDataStore(path);
});
afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

const execution = (over: Partial<ExecutionRecord> = {}): ExecutionRecord => ({
  ref: "exec ws/ns:name",
  startedAt: "2026-01-02T03:04:05.123456789+01:00",
  duration: 1_234_567_891,
  exitCode: 0,
  ...over,
});
const background = (over: Partial<BackgroundRun> = {}): BackgroundRun => ({
  id: "a1b2c3d4",
  pid: 4711,
  ref: "exec ws/name",
  startedAt: "2026-01-02T03:04:05Z",
  status: "running",
  ...over,
});
const at = (second: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const exits = async (ref: string, limit: number) =>
  (await store.getExecutionHistory(ref, limit)).map((record) => record.exitCode);

describe("the cache", () => {
  it("sets, overwrites, gets and deletes bytes, empty ones too", async () => {
    await store.setCacheEntry("k", Buffer.from([0, 255]));
    await store.setCacheEntry("k", Buffer.from([1]));
    await store.setCacheEntry("empty", new Uint8Array());

    expect(Buffer.from((await store.getCacheEntry("k")) ?? [])).toEqual(Buffer.from([1]));
    expect((await store.getCacheEntry("empty"))?.length).toBe(0);
    await store.deleteCacheEntry("k");
    expect(await store.getCacheEntry("k")).toBeNull();
  });

  it("has nothing under an unknown key, deletes it without error, and refuses an empty one", async () => {
    expect(await store.getCacheEntry("unknown")).toBeNull();
    await store.deleteCacheEntry("unknown");
    await expect(store.setCacheEntry("", new Uint8Array())).rejects.toMatchObject({ code: "invalid_input" });
  });
});

describe("the execution history", () => {
  it("gives records back as they were given, nanoseconds included", async () => {
    const full = execution({ exitCode: 3, error: "exit 3", logArchiveId: "/logs/a.log" });
    await store.recordExecution(full);

    expect(await store.getExecutionHistory(full.ref, 10)).toEqual([full]);
    await store.close();
    store = await openDataStore(path);
    expect(await store.getExecutionHistory(full.ref, 10)).toEqual([full]);
  });

  it("keeps the newest by start within the limit, oldest first, ties in the order of recording", async () => {
    for (const [exitCode, second] of [
      [1, 30],
      [2, 10],
      [3, 20],
      [4, 20],
    ] as const) {
      await store.recordExecution(execution({ exitCode, startedAt: at(second) }));
    }

    expect(await exits("exec ws/ns:name", 10)).toEqual([2, 3, 4, 1]);
    expect(await exits("exec ws/ns:name", 2)).toEqual([4, 1]);
  });

  it("takes a limit of zero or less for no limit", async () => {
    for (let n = 0; n < 3; n += 1) await store.recordExecution(execution({ exitCode: n, startedAt: at(n) }));

    expect(await exits("exec ws/ns:name", 0)).toEqual([0, 1, 2]);
    expect(await exits("exec ws/ns:name", -5)).toEqual([0, 1, 2]);
  });

  it("keeps refs apart, lists them by name, and knows nothing of others", async () => {
    for (const ref of ["b", "a:b", "a/b", "b"]) await store.recordExecution(execution({ ref }));

    expect(await store.listExecutionRefs()).toEqual(["a/b", "a:b", "b"]);
    expect(await store.getExecutionHistory("a_b", 10)).toEqual([]);
  });

  it("is deleted for one ref only, and twice without error", async () => {
    await store.recordExecution(execution({ ref: "a" }));
    await store.recordExecution(execution({ ref: "b" }));
    await store.deleteExecutionHistory("a");
    await store.deleteExecutionHistory("a");

    expect(await store.listExecutionRefs()).toEqual(["b"]);
  });

  it("refuses an empty ref, and a record that is none, by its field", async () => {
    for (const [field, value] of Object.entries({
      ref: "",
      startedAt: "soon",
      duration: -1,
      exitCode: 0.5,
      error: 7,
    })) {
      const wrong = { ...execution(), [field]: value } as ExecutionRecord;
      await expect(store.recordExecution(wrong)).rejects.toMatchObject({ code: "invalid_input", details: { field } });
    }
    await expect(store.getExecutionHistory("", 1)).rejects.toMatchObject({ code: "invalid_input" });
  });

  it("has the runs that Waybill executed, and not those that have not ended", async () => {
    const core = await openStore(`file:${path}`);
    await finished(core, { slots: 5 }, { ref: "unit" }, given.failure());
    await drive(core, { slots: 5 }, { ref: "unit" });
    await core.close();

    expect(await store.getExecutionHistory("unit", 10)).toEqual([
      expect.objectContaining({ ref: "unit", duration: 2_000_000_000, exitCode: 3 }),
    ]);
    await store.deleteExecutionHistory("unit");
    expect(await store.getExecutionHistory("unit", 10)).toEqual([]);
  });
});

describe("background runs", () => {
  it("are inserted, replaced and given back as they were given", async () => {
    await store.saveBackgroundRun(background());
    const linked = background({ logArchiveId: "/logs/b.log", pid: 5 });
    await store.saveBackgroundRun(linked);
    await store.saveBackgroundRun(background({ id: "other", status: "failed", error: "killed", completedAt: at(3) }));

    expect(await store.getBackgroundRun("a1b2c3d4")).toEqual(linked);
    expect((await store.listBackgroundRuns()).map(({ id }) => id).sort()).toEqual(["a1b2c3d4", "other"]);
  });

  it("keep their first end, whoever saves them later", async () => {
    const done = background({ status: "completed", completedAt: at(9) });
    await store.saveBackgroundRun(done);
    await store.saveBackgroundRun(background({ pid: 6 }));
    await store.saveBackgroundRun(background({ pid: 7, status: "failed", error: "process exited unexpectedly" }));

    expect(await store.getBackgroundRun("a1b2c3d4")).toEqual({ ...done, pid: 7 });
  });

  it("end as one row each, whoever saves them at the same time", async () => {
    const others = await Promise.all(Array.from({ length: 4 }, () => openDataStore(path)));
    await Promise.all(others.map((other, n) => other.saveBackgroundRun(background({ pid: n }))));
    await Promise.all(others.map((other) => other.close()));

    expect(await store.listBackgroundRuns()).toHaveLength(1);
  });

  it("are an error when they are unknown and asked for, and none when they are deleted", async () => {
    await expect(store.getBackgroundRun("nothing")).rejects.toMatchObject({ code: "run_not_found" });
    await store.deleteBackgroundRun("nothing");
    await store.saveBackgroundRun(background());
    await store.deleteBackgroundRun("a1b2c3d4");
    expect(await store.listBackgroundRuns()).toEqual([]);
  });

  it("refuse an empty id and an unknown status", async () => {
    const unknown = { ...background(), status: "paused" } as unknown as BackgroundRun;
    await expect(store.saveBackgroundRun(background({ id: "" }))).rejects.toMatchObject({ code: "invalid_input" });
    await expect(store.saveBackgroundRun(unknown)).rejects.toMatchObject({ details: { field: "status" } });
    await expect(store.getBackgroundRun("")).rejects.toMatchObject({ code: "invalid_input" });
  });

  it("are no history of their own", async () => {
    await store.saveBackgroundRun(background({ status: "completed", completedAt: at(9) }));

    expect(await store.listExecutionRefs()).toEqual([]);
    expect(await store.getExecutionHistory("exec ws/name", 10)).toEqual([]);
  });

  it("are also those that Waybill executes detached, which are not deleted while they run", async () => {
    const core = await openStore(`file:${path}`);
    const { run } = await drive(core, {}, { detached: true });
    await core.close();

    expect(await store.getBackgroundRun(run.id)).toMatchObject({ id: run.id, status: "running", ref: "unit" });
    await expect(store.deleteBackgroundRun(run.id)).rejects.toMatchObject({ code: "invalid_state" });
  });
});

describe("process variables", () => {
  it("come from the bucket, else from root; in neither it is an error that names both", async () => {
    await store.setProcessVar("root", "a", "root");
    await store.setProcessVar("root", "b", "root");
    await store.setProcessVar("run 1", "a", "own");

    expect(await store.getProcessVar("run 1", "a")).toBe("own");
    expect(await store.getProcessVar("run 1", "b")).toBe("root");
    expect(await store.getAllProcessVars("run 1")).toEqual({ a: "own", b: "root" });
    expect(await store.getProcessVarKeys("run 1")).toEqual(["a", "b"]);
    await expect(store.getProcessVar("run 1", "c")).rejects.toMatchObject({
      code: "variable_not_found",
      details: { bucketId: "run 1", key: "c" },
    });
  });

  it("are root's alone in an unknown bucket, and none when there are none", async () => {
    expect(await store.getAllProcessVars("unknown")).toEqual({});
    await store.setProcessVar("root", "a", "1");
    expect(await store.getProcessVarKeys("unknown")).toEqual(["a"]);
  });

  it("shine through from root again when the bucket's own is deleted", async () => {
    await store.setProcessVar("root", "a", "root");
    await store.setProcessVar("b", "a", "own");
    await store.deleteProcessVar("b", "a");
    await store.deleteProcessVar("b", "a");

    expect(await store.getProcessVar("b", "a")).toBe("root");
  });

  it("go with their bucket, which is made twice and deleted twice without error", async () => {
    await store.createProcessBucket("b");
    await store.setProcessVar("b", "a", "1");
    await store.createProcessBucket("b");
    expect(await store.getProcessVar("b", "a")).toBe("1");
    await store.deleteProcessBucket("b");
    await store.deleteProcessBucket("b");
    expect(await store.getAllProcessVars("b")).toEqual({});
  });

  it("keep buckets apart whose names differ in punctuation alone", async () => {
    for (const bucket of ["a:b", "a/b", "a b", "a_b"]) await store.setProcessVar(bucket, "k", bucket);

    expect(await store.getProcessVar("a:b", "k")).toBe("a:b");
    expect(await store.getProcessVar("a_b", "k")).toBe("a_b");
  });

  it("hold values of any size and as many as there are", async () => {
    const large = "ü".repeat(100_000);
    await store.setProcessVar("b", "large", large);
    await Promise.all(Array.from({ length: 1_200 }, (_, n) => store.setProcessVar("b", `k${n}`, `${n}`)));

    expect(await store.getProcessVar("b", "large")).toBe(large);
    expect(Object.keys(await store.getAllProcessVars("b"))).toHaveLength(1_201);
  });

  it("refuse an empty bucket or key", async () => {
    const refused = { code: "invalid_input" };
    await expect(store.createProcessBucket("")).rejects.toMatchObject(refused);
    await expect(store.deleteProcessBucket("")).rejects.toMatchObject(refused);
    await expect(store.setProcessVar("", "k", "v")).rejects.toMatchObject(refused);
    await expect(store.setProcessVar("b", "", "v")).rejects.toMatchObject(refused);
    await expect(store.getAllProcessVars("")).rejects.toMatchObject(refused);
  });
});

describe("an import", () => {
  it("takes executions and background runs, once however often it is repeated", async () => {
    const text = JSON.stringify([execution(), execution(), execution({ exitCode: 2 }), background()]);

    expect(await store.importJson(text)).toEqual({ executions: 3, backgroundRuns: 1 });
    await store.importJson(text);
    expect(await store.getExecutionHistory("exec ws/ns:name", 0)).toHaveLength(3);
    expect(await store.getBackgroundRun("a1b2c3d4")).toEqual(background());
  });

  it.each([
    ["{", "no JSON"],
    ["{}", "no list"],
    [JSON.stringify([execution(), { ref: "x" }]), "Entry 2"],
  ])("of %j is refused whole", async (text, message) => {
    await expect(store.importJson(text)).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining(message),
    });
    expect(await store.listExecutionRefs()).toEqual([]);
  });
});

describe("destroying a store", () => {
  it("empties it under whoever has it open, and never unlinks it", async () => {
    await store.recordExecution(execution());
    await store.saveBackgroundRun(background());
    const { ino } = statSync(path);
    await destroyStore(path);
    await destroyStore(path);

    expect(await store.listExecutionRefs()).toEqual([]);
    await store.setProcessVar("root", "k", "after");
    expect(statSync(path).ino).toBe(ino);
    expect(await store.getProcessVar("root", "k")).toBe("after");
  });

  it("makes no file where there is none, and is refused while Waybill executes a run", async () => {
    const nowhere = join(directory, "nowhere.db");
    await destroyStore(nowhere);
    expect(existsSync(nowhere)).toBe(false);
    const core = await openStore(`file:${path}`);
    await drive(core);
    await core.close();
    await expect(destroyStore(path)).rejects.toMatchObject({ code: "invalid_state" });
  });
});

describe("migrating process buckets", () => {
  it("leaves scopes, history and background runs where they are, however often it is done", async () => {
    await store.setProcessVar("exec ws/ns:name", "k", "v");
    await store.recordExecution(execution());
    await store.saveBackgroundRun(background());
    await migrateProcessBuckets(path);
    await migrateProcessBuckets(path);

    expect(await store.getProcessVar("exec ws/ns:name", "k")).toBe("v");
    expect(await store.listExecutionRefs()).toEqual(["exec ws/ns:name"]);
    expect(await store.getBackgroundRun("a1b2c3d4")).toEqual(background());
  });

  it("brings a store of the first version to the present one, and makes none where there is none", async () => {
    const old = join(directory, "old.db");
    await migrateProcessBuckets(old);
    expect(existsSync(old)).toBe(false);
    copyFileSync(fileURLToPath(new URL("../../test/fixtures/store/v1.db", import.meta.url)), old);
    await migrateProcessBuckets(old);
    const opened = await openDataStore(old);
    await opened.setProcessVar("root", "k", "v");
    expect(await opened.getProcessVar("root", "k")).toBe("v");
    await opened.close();
  });
});
