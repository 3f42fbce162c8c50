import { describe, expect, it } from "vitest";
import {
  dispatcherLeaseName,
  ENGINE_LEASES,
  engineLeaseName,
  enginePurpose,
  isTakeable,
  LEASE_RENEW_MS,
  LEASE_TTL_MS,
  type Lease,
  NO_PROCESS,
  pidOf,
  renewalMs,
  runLeaseName,
  sameProcess,
  typesOfPurpose,
} from "./lease.js";

const holder = { host: "h", boot: "b", pid: 7, pidStart: "100" };
const lease: Lease = { name: "run/1", fence: 3, holder, purpose: "test", acquiredAt: 0, expiresAt: 1_000 };

describe("a lease", () => {
  it("may be taken when nobody holds it", () => {
    expect(isTakeable(null, 0, "unknown")).toBe(true);
  });

  it("may be taken from the moment it expires", () => {
    expect(isTakeable(lease, 999, "unknown")).toBe(false);
    expect(isTakeable(lease, 1_000, "unknown")).toBe(true);
    expect(isTakeable(lease, 1_000, "alive")).toBe(true);
  });

  it("may be taken before it expires only from a holder that is proved dead", () => {
    expect((["alive", "unknown", "dead"] as const).map((l) => isTakeable(lease, 0, l))).toEqual([false, false, true]);
  });

  it("survives two missed renewals", () => {
    expect(LEASE_RENEW_MS * 3).toBeLessThanOrEqual(LEASE_TTL_MS);
    expect([1, 2, 100].map(renewalMs)).toEqual([1, 1, 33]);
  });

  it("has a name that says what it is for", () => {
    expect([runLeaseName("1"), dispatcherLeaseName("box")]).toEqual(["run/1", "dispatcher/box"]);
    expect(engineLeaseName("7")).toBe(`${ENGINE_LEASES}7`);
  });

  it("of an engine says which types of tasks that executes", () => {
    const types = ["mail", 'a, "b"'];

    expect(typesOfPurpose(enginePurpose(types))).toEqual(types);
    expect(typesOfPurpose("waybill run")).toEqual([]);
  });
});

describe("a process identity", () => {
  it("has a pid unless it stands for no process", () => {
    expect([pidOf(holder), pidOf({ ...holder, pid: NO_PROCESS })]).toEqual([7, null]);
  });

  it("differs by host, boot, pid or start time", () => {
    const others = [{ host: "x" }, { boot: "x" }, { pid: 8 }, { pidStart: "101" }];

    expect(sameProcess(holder, { ...holder })).toBe(true);
    expect(others.map((other) => sameProcess(holder, { ...holder, ...other }))).toEqual([false, false, false, false]);
  });
});
