import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLog } from "../observe/log.js";
import { openStore } from "../store/open-store.js";
import type { Store } from "../store/store.js";
import { ChangeLoop } from "./change-loop.js";

let store: Store;
let loop: ChangeLoop;
let calls: number;
let stop: () => void;
beforeEach(async () => {
  store = await openStore("memory:");
  loop = new ChangeLoop(store.events, silentLog);
  calls = 0;
  stop = loop.listen(async () => {
    calls += 1;
  });
});
afterEach(async () => {
  stop();
  await loop.settled();
  await store.close();
});

/** Resolves when the listener has been called once more. */
async function calledAgain(before: number): Promise<void> {
  while (calls === before) await store.events.waitForChange(10);
}

describe("a loop that listens for changes", () => {
  it("calls at once when something has happened, and once for all that happened together", async () => {
    await calledAgain(0);
    const before = calls;
    await Promise.all(["a", "b", "c"].map((type) => store.queues.pauseQueue(type, true)));
    await calledAgain(before);
    expect(calls - before).toBeLessThan(3);
  });

  it("is left alone by the renewals of leases, however many there are", async () => {
    const holder = { host: "h", boot: "b", pid: 1, pidStart: "1" };
    const { lease } = await store.leases.acquireLease({ name: "engine/x", holder, purpose: "", ttlMs: 60_000 });
    await calledAgain(0);
    const before = calls;
    const from = performance.now();
    let renewals = 0;
    for (; performance.now() - from < 700; renewals += 1) {
      await store.leases.renewLeases([lease], 60_000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(renewals).toBeGreaterThan(20);
    // The looks that it makes without any change.
    expect(calls - before).toBeLessThanOrEqual(1 + Math.ceil((performance.now() - from) / 1_000));
  });
});
