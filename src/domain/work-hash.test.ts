import { describe, expect, it } from "vitest";
import { canonicalWork } from "./work-hash.js";

const request = { entrypoint: "run.sh", args: ["a"], env: { A: "1" } };

const here = { host: "h", workDir: "/here" };

describe("the identity of work", () => {
  it("depends on tree, entrypoint, arguments, variables and entry", () => {
    const entry = { batchId: "b", name: "unit" };
    const texts = [
      canonicalWork("t", here, request, null),
      canonicalWork("u", here, request, null),
      canonicalWork("t", { ...here, workDir: "/there" }, request, null),
      canonicalWork("t", here, { ...request, entrypoint: "x" }, null),
      canonicalWork("t", here, { ...request, args: [] }, null),
      canonicalWork("t", here, { ...request, env: {} }, null),
      canonicalWork("t", here, request, entry),
      canonicalWork("t", here, request, { ...entry, name: "smoke" }),
    ];

    expect(new Set(texts).size).toBe(texts.length);
  });

  it("does not depend on limits", () => {
    const limited = { ...request, timeoutMs: 1, retries: 3 };

    expect(canonicalWork("t", here, limited, null)).toBe(canonicalWork("t", here, request, null));
  });
});
