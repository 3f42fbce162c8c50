/** What must be true of a sandbox once everything has come to its end, whatever was killed on the way. */
import { expect } from "vitest";
import { slotHolders } from "../harness/machine-slots.js";
import { isAlive, processesWith } from "../harness/processes.js";
import type { Sandbox } from "../harness/sandbox.js";
import { eventsOf, leasesOf, rowsOf } from "../harness/store-look.js";
import { until } from "../harness/until.js";

/** Dispatchers leave and supervisors give their slot back a moment after the last record: waited for, then looked at. */
export async function expectNothingLeft(box: Sandbox): Promise<void> {
  const left = () => processesWith(box.dir);
  await until("no process is left", () => left().length === 0).catch(() => expect(left()).toEqual([]));
  expect(rowsOf(box.home, "SELECT id, status FROM runs WHERE ended_at IS NULL OR slot IS NOT NULL")).toEqual([]);
  expect(leasesOf(box.home).filter(({ name, pid }) => name.startsWith("run/") || isAlive(pid))).toEqual([]);
  expect(slotHolders(box.home)).toEqual([]);
}

/** Every run that there is ended exactly once. */
export function expectEndedOnce(box: Sandbox): void {
  const runs = rowsOf(box.home, "SELECT id FROM runs ORDER BY id").map((row) => row.id);
  expect(
    eventsOf(box.home, "run.finished")
      .map(({ subject }) => subject)
      .sort(),
  ).toEqual(runs);
}
