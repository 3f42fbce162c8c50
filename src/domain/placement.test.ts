import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Item, Selector } from "./batch.js";
import { WAIT_FOR_CONTACT } from "./contact-policy.js";
import type { MachineSpec } from "./machine.js";
import { explainNoMatch, type MachineLoad, matches, place } from "./placement.js";

const item = (name: string, selector: Selector): Item => ({
  name,
  dir: name,
  selector,
  state: "queued",
  runId: null,
  machine: null,
  errorCode: null,
  errorMsg: null,
  spec: {
    testDirHash: "",
    entrypoint: null,
    env: {},
    timeoutMs: null,
    silenceMs: null,
    retries: 0,
    onUnreachable: WAIT_FOR_CONTACT,
  },
});
const spec = (name: string, tags: readonly string[], slots = 1): MachineSpec => ({
  name,
  transport: "local",
  host: null,
  user: null,
  port: null,
  ssh: null,
  os: "linux",
  tags,
  slots,
  workDir: `/${name}`,
  env: {},
});
const load = (name: string, tags: readonly string[], slots = 1, active = 0): MachineLoad => ({
  spec: spec(name, tags, slots),
  active,
  drain: null,
});
const summary = (items: readonly Item[], machines: readonly MachineLoad[]) =>
  place(items, machines).map((p) => (p.decision === "dispatch" ? p.machine : p.decision));

describe("placement", () => {
  it("goes in authored order and leaves what finds no slot waiting", () => {
    const items = ["a", "b", "c"].map((name) => item(name, { machine: "left" }));

    expect(summary(items, [load("left", [], 2)])).toEqual(["left", "left", "wait"]);
  });

  it("sends a tag to the machine with the most free slots, names breaking ties", () => {
    const items = ["a", "b", "c", "d"].map((name) => item(name, { tag: "gpu" }));
    const machines = [load("z", ["gpu"], 2), load("y", ["gpu"], 1), load("x", ["gpu"], 1), load("w", [])];

    expect(summary(items, machines)).toEqual(["z", "x", "y", "z"]);
  });

  it("breaks a tie by name, in whatever order the machines are given", () => {
    const items = [item("a", { tag: "gpu" })];
    const names = ["alpha", "beta", "gamma"];

    for (const order of [names, [...names].reverse()]) {
      expect(
        summary(
          items,
          order.map((name) => load(name, ["gpu"])),
        ),
      ).toEqual(["alpha"]);
    }
  });

  it("names everyone who could take a waiting item", () => {
    const wait = place([item("a", { tag: "gpu" })], [load("l", ["gpu"], 1, 1), load("r", ["gpu"], 1, 2)])[0];
    const single = place([item("a", { machine: "l" })], [load("l", [], 1, 1)])[0];

    expect(wait).toMatchObject({ decision: "wait", candidates: ["l", "r"], reason: "l, r have no free slot" });
    expect(single).toMatchObject({ reason: "l has no free slot" });
  });

  it("passes over a drained machine, and says so when nothing else is left", () => {
    const drain = { at: 1, by: "ann", reason: "new disk" };
    const drained: MachineLoad = { ...load("l", ["gpu"], 4), drain };
    const reasonOf = (machines: readonly MachineLoad[]) => place([item("a", { tag: "gpu" })], machines)[0];

    expect(reasonOf([drained, load("r", ["gpu"])])).toMatchObject({ decision: "dispatch", machine: "r" });
    expect(reasonOf([drained])).toMatchObject({ decision: "wait", reason: "l is drained by ann (new disk)" });
    expect(reasonOf([drained, load("r", ["gpu"], 1, 1)])).toMatchObject({
      reason: "r has no free slot; l is drained by ann (new disk)",
      candidates: ["l", "r"],
    });
  });

  it("skips what no machine matches and says what is near", () => {
    const placed = place([item("a", { machine: "lft" }), item("b", { tag: "gpu" })], [load("left", ["linux"])]);

    expect(placed.map((p) => p.decision)).toEqual(["skip", "skip"]);
    expect(placed[0]).toMatchObject({ reason: 'No machine matches machine:lft; the nearest is "left".' });
    expect(placed[1]).toMatchObject({ reason: "No machine matches tag:gpu; known tags: linux." });
    expect(explainNoMatch({ machine: "a" }, [])).toBe("No machine matches machine:a; known machines: none.");
  });

  it("never gives a machine more than its free slots, and only what it matches", () => {
    const machines = fc.uniqueArray(
      fc.record({
        name: fc.constantFrom("a", "b", "c"),
        tag: fc.constantFrom("x", "y"),
        slots: fc.nat(4),
        active: fc.nat(4),
      }),
      { selector: (m) => m.name },
    );
    const selector = fc.oneof(
      fc.record({ machine: fc.constantFrom("a", "b", "c", "d") }),
      fc.record({ tag: fc.constantFrom("x", "y", "z") }),
    );
    fc.assert(
      fc.property(machines, fc.array(selector, { maxLength: 20 }), (drawn, selectors) => {
        const loads = drawn.map((m) => load(m.name, [m.tag], m.slots, m.active));
        const items = selectors.map((s, i) => item(String(i), s));
        const placed = place(items, loads);
        expect(placed.map((p) => p.item)).toEqual(items);
        for (const { spec: machine, active } of loads) {
          const given = placed.filter((p) => p.decision === "dispatch" && p.machine === machine.name);
          expect(given.length).toBeLessThanOrEqual(Math.max(0, machine.slots - active));
          expect(given.every((p) => matches(machine, p.item.selector))).toBe(true);
        }
        for (const p of placed) {
          expect(p.decision === "skip").toBe(!loads.some((l) => matches(l.spec, p.item.selector)));
        }
      }),
    );
  });
});
