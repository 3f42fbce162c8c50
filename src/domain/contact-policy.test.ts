import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatContactPolicy,
  isOutOfReach,
  LEAST_CONTACT_MS,
  parseContactPolicy,
  replaceableFrom,
  WAIT_FOR_CONTACT,
} from "./contact-policy.js";
import { WaybillError } from "./errors.js";

describe("a contact policy", () => {
  it("is read as people write it", () => {
    expect(parseContactPolicy("wait")).toEqual(WAIT_FOR_CONTACT);
    const stop = { action: "stop_after", afterMs: 600_000, onReturn: "keep_original" };
    expect(parseContactPolicy(" stop_after  10m ")).toEqual(stop);
    const replace = { action: "replace_after", afterMs: 3_600_000, onReturn: "keep_replacement" };
    expect(parseContactPolicy("replace_after 1h", "keep_replacement")).toEqual(replace);
  });

  it.each(["", "wait 10m", "stop_after", "stop_after soon", "stop_after 9s", "replace_after 1h please", "leave 1h"])(
    "is none as %j",
    (text) => {
      expect(parseContactPolicy(text)).toBeNull();
    },
  );

  it("is written as it is read", () => {
    const after = fc.integer({ min: LEAST_CONTACT_MS, max: 1e9 });
    fc.assert(
      fc.property(fc.constantFrom("stop_after", "replace_after"), after, (action, afterMs) => {
        const policy = { action, afterMs, onReturn: "keep_original" } as const;
        expect(parseContactPolicy(formatContactPolicy(policy))).toEqual(policy);
      }),
    );
    expect(formatContactPolicy(WAIT_FOR_CONTACT)).toBe("wait");
  });

  it("lets another machine take over no earlier than the first has stopped for certain", () => {
    const policy = { action: "replace_after", afterMs: 600_000, onReturn: "keep_original" } as const;
    expect(replaceableFrom(policy, 5_000, 1_000)).toBe(1_000 + 600_000 + 5_000 + 30_000);
    expect(replaceableFrom({ ...policy, afterMs: 20_000 }, 0, 0)).toBe(30_000);
    expect(replaceableFrom({ ...policy, action: "stop_after" }, 0, 0)).toBeNull();
    expect(replaceableFrom(WAIT_FOR_CONTACT, 0, 0)).toBeNull();
    expect(replaceableFrom({ ...policy, afterMs: null }, 0, 0)).toBeNull();
  });
});

describe("an error", () => {
  it("says that a machine gave no answer, or is another", () => {
    expect(isOutOfReach(new WaybillError("machine_unreachable", "It is silent."))).toBe(true);
    expect(isOutOfReach(new WaybillError("auth_failed", "It lets nobody in."))).toBe(true);
    expect(isOutOfReach(new WaybillError("store_full", "It is full."))).toBe(false);
    expect(isOutOfReach(new Error("machine_unreachable"))).toBe(false);
  });
});
