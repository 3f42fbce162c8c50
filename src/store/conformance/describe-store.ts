/**
 * What every store must do, whatever it is built on. A store passes when `describeStore(name, { open })` does.
 *
 * Nothing in here assumes SQLite, one host or one process.
 */
import { afterEach, beforeEach, describe } from "vitest";
import type { Store } from "../store.js";
import { attemptFacts } from "./attempt-facts.js";
import { batchFacts } from "./batch-facts.js";
import type { Bench, UseBench } from "./bench.js";
import { cacheFacts } from "./cache-facts.js";
import { claimTimeFacts } from "./claim-time-facts.js";
import { dispatchItemFacts } from "./dispatch-item-facts.js";
import { durabilityFacts } from "./durability-facts.js";
import { endedElsewhereFacts } from "./ended-elsewhere-facts.js";
import { eventFacts } from "./event-facts.js";
import { externalRunFacts } from "./external-run-facts.js";
import { gateFacts } from "./gate-facts.js";
import { guardedWriteFacts } from "./guarded-write-facts.js";
import { historyFacts } from "./history-facts.js";
import { leaseFacts } from "./lease-facts.js";
import { linkFacts } from "./link-facts.js";
import { machineFacts } from "./machine-facts.js";
import { ownerChangeFacts } from "./owner-change-facts.js";
import { pathFacts } from "./path-facts.js";
import { pathLineFacts } from "./path-line-facts.js";
import { queueFacts } from "./queue-facts.js";
import { readyFacts } from "./ready-facts.js";
import { relocationFacts } from "./relocation-facts.js";
import { retentionFacts } from "./retention-facts.js";
import { runFacts } from "./run-facts.js";
import { runListFacts } from "./run-list-facts.js";
import { scheduleFacts } from "./schedule-facts.js";
import { stepFacts } from "./step-facts.js";
import { taskFacts } from "./task-facts.js";
import { variableFacts } from "./variable-facts.js";
import { verdictFacts } from "./verdict-facts.js";
import { workerFacts } from "./worker-facts.js";

export interface StoreUnderTest {
  /** Opens a fresh, empty store whose clock is `clock`. */
  open(clock: () => number): Promise<Store>;
}

export function describeStore(name: string, subject: StoreUnderTest): void {
  describe(`${name}, as every store`, () => {
    let bench: Bench;
    beforeEach(async () => {
      const clock = { now: 1_700_000_000_000 };
      const store = await subject.open(() => clock.now);
      bench = Object.assign(clock, { store });
    });
    afterEach(() => bench.store.close());
    const use: UseBench = () => bench;
    runFacts(use);
    runListFacts(use);
    variableFacts(use);
    historyFacts(use);
    externalRunFacts(use);
    cacheFacts(use);
    guardedWriteFacts(use);
    batchFacts(use);
    dispatchItemFacts(use);
    leaseFacts(use);
    eventFacts(use);
    durabilityFacts(use);
    retentionFacts(use);
    machineFacts(use);
    relocationFacts(use);
    taskFacts(use);
    endedElsewhereFacts(use);
    attemptFacts(use);
    pathFacts(use);
    pathLineFacts(use);
    linkFacts(use);
    readyFacts(use);
    queueFacts(use);
    stepFacts(use);
    scheduleFacts(use);
    gateFacts(use);
    workerFacts(use);
    claimTimeFacts(use);
    ownerChangeFacts(use);
    verdictFacts(use);
  });
}
