import { describe, expect, it } from "vitest";
import { DEFAULT_SSH, type MachineSpec } from "./machine.js";
import { canonicalTarget, describeDrain, type MachineNote, machineStatus } from "./machine-note.js";

const local: MachineSpec = {
  name: "left",
  transport: "local",
  host: null,
  user: null,
  port: null,
  ssh: null,
  os: "linux",
  tags: [],
  slots: 2,
  workDir: "/left",
  env: {},
};
const far: MachineSpec = { ...local, transport: "ssh", host: "far", ssh: DEFAULT_SSH };
const answered: MachineNote = {
  name: "left",
  targetHash: "t",
  lastContactAt: 1,
  lastFailureAt: null,
  lastErrorCode: null,
  drain: null,
};
const silent: MachineNote = { ...answered, lastFailureAt: 2, lastErrorCode: "machine_unreachable" };
const quiet = { holders: 0, unreachable: false, note: null };

describe("a machine's status", () => {
  it.each([
    ["idle", { ...quiet, spec: local }],
    ["idle", { ...quiet, spec: local, holders: 1 }],
    ["busy", { ...quiet, spec: local, holders: 2 }],
    ["idle", { ...quiet, spec: local, note: silent }],
    ["offline", { ...quiet, spec: local, holders: 2, unreachable: true }],
    ["unknown", { ...quiet, spec: far }],
    ["unknown", { ...quiet, spec: far, note: { ...answered, lastContactAt: null } }],
    ["idle", { ...quiet, spec: far, note: answered }],
    ["busy", { ...quiet, spec: far, note: answered, holders: 2 }],
    ["offline", { ...quiet, spec: far, note: silent }],
    ["offline", { ...quiet, spec: far, note: answered, holders: 1, unreachable: true }],
  ] as const)("is %s, given %j", (status, state) => {
    expect(machineStatus(state)).toBe(status);
  });
});

describe("a machine's place", () => {
  it("is another one with another host or another way to it, whatever its slots and tags", () => {
    const place = canonicalTarget(far);

    expect(canonicalTarget({ ...far, slots: 9, tags: ["x"] })).toBe(place);
    expect(canonicalTarget({ ...far, host: "elsewhere" })).not.toBe(place);
    expect(canonicalTarget({ ...far, ssh: { ...DEFAULT_SSH, proxyJump: "door" } })).not.toBe(place);
    expect(canonicalTarget(local)).not.toBe(place);
  });
});

describe("a drain", () => {
  it("is told with who and why", () => {
    expect(describeDrain({ at: 1, by: "ann", reason: "new disk" })).toBe("drained by ann (new disk)");
    expect(describeDrain({ at: 1, by: "ann", reason: null })).toBe("drained by ann");
  });
});
