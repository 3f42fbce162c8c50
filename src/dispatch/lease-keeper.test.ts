import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { until } from "../../test/harness/until.js";
import { LEASE_RENEW_MS } from "../domain/lease.js";
import { livenessOf, thisProcess } from "../machines/process-identity.js";
import { openStore } from "../store/open-store.js";
import type { Store } from "../store/store.js";
import { type HeldLease, LeaseKeeper } from "./lease-keeper.js";

let dir: string;
let store: Store;
let keeper: LeaseKeeper;
let logged: string[];
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  dir = mkdtempSync(join(tmpdir(), "waybill-keeper-"));
  store = await openStore(`file:${join(dir, "waybill.db")}`);
  logged = [];
  const log = (event: string): void => void logged.push(event);
  keeper = new LeaseKeeper({ store, holder: thisProcess(), liveness: livenessOf, log });
});
afterEach(async () => {
  await keeper.close();
  await store.close();
  vi.useRealTimers();
  rmSync(dir, { recursive: true });
});

function sql(text: string): void {
  const db = new Database(join(dir, "waybill.db"), { timeout: 10_000 });
  db.exec(text);
  db.close();
}

/** The store refuses to give leases back, as a full one does. */
const refuseReleases = (): void =>
  sql(`CREATE TRIGGER no_release BEFORE UPDATE ON leases WHEN NEW.holder_host IS NULL
       BEGIN SELECT RAISE(ABORT, 'refused'); END`);

async function take(name: string): Promise<HeldLease> {
  const taken = await keeper.take(name, "test");
  if (!taken.won) throw new Error(`${name} is held by ${taken.lease.holder.pid}`);
  return taken.held;
}

describe("a lease whose release the store refuses", () => {
  it("is taken again at once by the process that held it, under a larger fence", async () => {
    const first = await take("run/a");
    refuseReleases();
    await first.release();
    expect(logged).toEqual(["lease.release_failed"]);
    expect(keeper.held("run/a")).toBeNull();
    expect((await take("run/a")).lease.fence).toBeGreaterThan(first.lease.fence);
  });

  it("is given back at a renewal once the store takes it, and not renewed before, as what is held is", async () => {
    const [left, kept] = [await take("run/a"), await take("run/b")];
    refuseReleases();
    await left.release();
    sql("UPDATE leases SET expires_at = expires_at - 5");
    vi.advanceTimersByTime(LEASE_RENEW_MS);
    await until("run/b is renewed", async () => {
      return ((await store.leases.getLease("run/b"))?.expiresAt ?? 0) >= kept.lease.expiresAt;
    });
    expect((await store.leases.getLease("run/a"))?.expiresAt).toBe(left.lease.expiresAt - 5);
    sql("DROP TRIGGER no_release");
    vi.advanceTimersByTime(LEASE_RENEW_MS);
    await until("run/a is given back", async () => (await store.leases.getLease("run/a")) === null);
    expect(logged).not.toContain("lease.lost");
  });

  it("is not taken from another keeper of the same process, which may hold it", async () => {
    await take("run/a");
    const other = new LeaseKeeper({ store, holder: thisProcess(), liveness: livenessOf, log: () => undefined });
    expect((await other.take("run/a", "test")).won).toBe(false);
    await other.close();
  });
});
