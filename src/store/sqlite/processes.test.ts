import { statSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Child, type Children, startChildren } from "../../../test/fixtures/store/child.js";
import { given } from "../conformance/given.js";
import type { Store } from "../store.js";
import { openSqliteStore } from "./open-sqlite-store.js";

let children: Children;
const opened: Store[] = [];
beforeEach(async () => {
  children = await startChildren();
});
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  await children.dispose();
});

const open = async (name: string, patienceMs = 10_000): Promise<Store> => {
  const store = await openSqliteStore({ path: join(children.directory, name), patienceMs });
  opened.push(store);
  return store;
};
const release = async (child: Child): Promise<void> => {
  child.process.stdin?.end();
  expect(await child.ended()).toBe(0);
};

describe("several processes on one file", () => {
  it("make one run of one work, whoever asks, beginning with the creation of the store", async () => {
    const path = join(children.directory, "one.db");
    const askers = Array.from({ length: 8 }, () => children.spawn(["prepare", path, "50"]));
    const codes = await Promise.all(askers.map((child) => child.ended()));
    expect(askers.map((child) => child.stderr()).join("")).toBe("");
    expect(codes).toEqual(Array(8).fill(0));
    const answers = askers.flatMap((child) => child.said as { outcome: string; id: string }[]);
    expect(answers).toHaveLength(400);
    expect(answers.filter((a) => a.outcome === "created")).toHaveLength(1);
    expect(answers.filter((a) => a.outcome === "reuse")).toHaveLength(399);
    expect(new Set(answers.map((a) => a.id)).size).toBe(1);
  }, 60_000);

  it("keep every acknowledged write when they are killed in the middle of writing", async () => {
    const path = join(children.directory, "killed.db");
    for (let round = 0; round < 3; round += 1) {
      const writers = ["1", "20"].map((concurrency) => children.spawn(["write", path, concurrency]));
      await Promise.all(writers.map((child) => child.saying(200)));
      for (const child of writers) child.process.kill("SIGKILL");
      await Promise.all(writers.map((child) => child.ended()));
      const store = await open("killed.db");
      const acknowledged = writers.flatMap((child) => child.said as string[]);
      expect((await store.runs.getRuns(acknowledged)).size).toBe(acknowledged.length);
      const check = new Database(path);
      expect(check.pragma("integrity_check", { simple: true })).toBe("ok");
      check.close();
    }
  }, 60_000);

  it("wait for a lock without blocking the event loop, and write when it is free", async () => {
    const store = await open("held.db");
    const holder = children.spawn(["hold", join(children.directory, "held.db"), "BEGIN IMMEDIATE"]);
    await holder.saying(1);
    let written = false;
    const writing = store.runs.prepareAtomic(given.dispatch(), () => given.run()).then(() => (written = true));
    let ticks = 0;
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        ticks += 1;
        if (ticks < 20) return;
        clearInterval(timer);
        resolve();
      }, 2);
    });
    expect(written).toBe(false);
    expect(await store.runs.activeRuns()).toEqual([]);
    await release(holder);
    await writing;
    expect(await store.runs.activeRuns()).toHaveLength(1);
  });

  it("say who holds the lock when patience ends, lose nothing, and go on", async () => {
    const store = await open("busy.db", 50);
    const holder = children.spawn(["hold", join(children.directory, "busy.db"), "BEGIN IMMEDIATE"]);
    await holder.saying(1);
    const error = await store.runs.prepareAtomic(given.dispatch(), () => given.run()).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "store_busy", retryable: true });
    if (process.platform === "linux") {
      expect(error).toMatchObject({ details: { pid: holder.process.pid } });
      expect(String(error)).toContain(`process ${holder.process.pid} (`);
    }
    await release(holder);
    expect((await store.runs.prepareAtomic(given.dispatch(), () => given.run())).outcome).toBe("created");
  });

  it("are not held up by a slow reader", async () => {
    const store = await open("read.db", 1_000);
    const reader = children.spawn(["hold", join(children.directory, "read.db"), "BEGIN"]);
    await reader.saying(1);
    for (let at = 0; at < 50; at += 1) {
      const dispatch = given.dispatch({ machine: `m${at}`, workHash: `w${at}` });
      await store.runs.prepareAtomic(dispatch, () => given.run());
    }
    expect(await store.runs.activeRuns()).toHaveLength(50);
    await release(reader);
  });

  it("wake whoever waits for a change in another process", async () => {
    const store = await open("watch.db");
    await store.events.waitForChange(0);
    const waiting = store.events.waitForChange(60_000);
    const writer = children.spawn(["prepare", join(children.directory, "watch.db"), "1"]);
    await waiting;
    expect(await writer.ended()).toBe(0);
    expect(await store.events.lastSequence()).toBe(1);
  });

  it("share the lock when they write all the time, by tickets in a file of their own", async () => {
    const path = join(children.directory, "fair.db");
    await open("fair.db");
    const writers = Array.from({ length: 4 }, () => children.spawn(["write", path, "1"]));
    // Without turns, one process keeps the lock for seconds: another's first hundred writes would come after its thousands.
    await Promise.all(writers.map((child) => child.saying(100)));
    const counts = writers.map((child) => child.said.length);
    expect(Math.max(...counts)).toBeLessThan(20 * Math.min(...counts));
    expect(statSync(`${path}-queue`).mode & 0o777).toBe(0o600);
  }, 30_000);
});
