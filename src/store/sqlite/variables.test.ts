import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LONGEST_VALUE } from "../../domain/variable.js";
import type { Store } from "../store.js";
import { openSqliteStore } from "./open-sqlite-store.js";

let store: Store;
beforeEach(async () => {
  store = await openSqliteStore({ path: ":memory:" });
});
afterEach(() => store.close());

const set = (key: string, value: string) =>
  store.variables.setVariable({ scope: "s", key, value, format: "text", ttlMs: null, condition: null });

describe("a scope", () => {
  it("takes 10^5 variables, each of which is found and listed in its place", async () => {
    const keys = Array.from({ length: 100_000 }, (_, i) => `k${String(i).padStart(6, "0")}`);
    for (let at = 0; at < keys.length; at += 10_000) {
      await Promise.all(keys.slice(at, at + 10_000).map((key) => set(key, key)));
    }

    expect((await store.variables.getVariable("s", "k054321"))?.value).toBe("k054321");
    const page = { prefix: "", own: false, after: "k099997", limit: 10 };
    expect((await store.variables.listVariables("s", page)).map((v) => v.key)).toEqual(["k099998", "k099999"]);
  });

  it("takes a value of 64 MiB, and not one character more", async () => {
    const value = "x".repeat(LONGEST_VALUE);
    await set("large", value);

    expect((await store.variables.getVariable("s", "large"))?.value === value).toBe(true);
    await expect(set("larger", `${value}x`)).rejects.toMatchObject({ code: "invalid_input" });
  });
});
