import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { drive } from "./conformance/given.js";
import { openStore } from "./open-store.js";

describe("openStore", () => {
  it("opens a file by its url, with or without an empty host, and finds it again", async () => {
    const directory = mkdtempSync(join(tmpdir(), "waybill-url-"));
    const path = join(directory, "a b.db");
    const first = await openStore(`file:${path}`);
    const { run } = await drive(first);
    expect((await first.info()).url).toBe(`file:${path}`);
    await first.close();
    const second = await openStore(`file://${path}`);
    expect(await second.runs.getRun(run.id)).toEqual(run);
    await second.close();
    rmSync(directory, { recursive: true });
  });

  it("opens a store in memory, each its own", async () => {
    const [a, b] = [await openStore("memory:"), await openStore("memory:")];
    await drive(a);
    expect(await b.runs.activeRuns()).toEqual([]);
    expect((await a.info()).url).toBe("memory:");
    await a.close();
    await b.close();
  });

  it("says honestly that PostgreSQL is not there yet", async () => {
    await expect(openStore("postgres://host/db")).rejects.toMatchObject({ code: "store_unsupported" });
  });

  it.each(["", "file:", "waybill.db", "mysql://host/db"])("refuses %j with an example", async (url) => {
    await expect(openStore(url)).rejects.toMatchObject({
      code: "invalid_input",
      hint: expect.stringContaining("file:"),
    });
  });
});
