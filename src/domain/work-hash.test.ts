import { describe, expect, it } from "vitest";
import { canonicalWork } from "./work-hash.js";

const request = { entrypoint: "run.sh", args: ["a"], env: { A: "1" } };

describe("the identity of work", () => {
  it("depends on tree, entrypoint, arguments, variables and entry", () => {
    const entry = { batchId: "b", name: "unit" };
    const texts = [
      canonicalWork("t", request, null),
      canonicalWork("u", request, null),
      canonicalWork("t", { ...request, entrypoint: "x" }, null),
      canonicalWork("t", { ...request, args: [] }, null),
      canonicalWork("t", { ...request, env: {} }, null),
      canonicalWork("t", request, entry),
      canonicalWork("t", request, { ...entry, name: "smoke" }),
    ];

    expect(new Set(texts).size).toBe(texts.length);
  });

  it("does not depend on limits", () => {
    const limited = { ...request, timeoutMs: 1, retries: 3 };

    expect(canonicalWork("t", limited, null)).toBe(canonicalWork("t", request, null));
  });
});
