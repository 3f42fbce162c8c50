import { describe, expect, it } from "vitest";
import { WAIT_FOR_CONTACT } from "./contact-policy.js";
import { canonicalPlan, type Plan, type PlanEntry } from "./plan.js";

const unit: PlanEntry = {
  name: "unit",
  dir: "tests/unit",
  selector: { machine: "left" },
  timeoutMs: null,
  silenceMs: null,
  entrypoint: null,
  env: {},
  retries: 0,
  onUnreachable: WAIT_FOR_CONTACT,
};
const smoke: PlanEntry = { ...unit, name: "smoke", selector: { tag: "gpu" } };
const plan = (...entries: PlanEntry[]): Plan => ({ version: 1, entries });

describe("the canonical text of a plan", () => {
  it("is fixed, since plan hashes are kept in stores", () => {
    expect(canonicalPlan(plan(unit))).toBe(
      '{"entries":[{"dir":"tests/unit","entrypoint":null,"env":{},"name":"unit","retries":0,"selector":"machine:left","silenceMs":null,"timeoutMs":null}],"version":1}',
    );
  });

  it("does not depend on the order of keys", () => {
    const shuffled = Object.fromEntries(Object.entries(unit).reverse()) as unknown as PlanEntry;

    expect(canonicalPlan(plan(shuffled))).toBe(canonicalPlan(plan(unit)));
  });

  it("depends on the order of entries and on every value", () => {
    const changed: PlanEntry[] = [
      { ...unit, name: "x" },
      { ...unit, dir: "x" },
      { ...unit, selector: { tag: "left" } },
      { ...unit, timeoutMs: 1 },
      { ...unit, silenceMs: 1 },
      { ...unit, entrypoint: "x" },
      { ...unit, env: { A: "1" } },
      { ...unit, env: { A: { fromEnv: "1" } } },
      { ...unit, retries: 1 },
      { ...unit, onUnreachable: { ...WAIT_FOR_CONTACT, action: "stop_after", afterMs: 60_000 } },
    ];
    const texts = [plan(unit, smoke), plan(smoke, unit), plan(unit), ...changed.map((entry) => plan(entry))].map(
      canonicalPlan,
    );

    expect(new Set(texts).size).toBe(texts.length);
  });
});
