import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { resolveSettings } from "./settings.js";

describe("settings", () => {
  it("are refused in a working directory that was removed", async () => {
    const before = process.cwd();
    const gone = await mkdtemp(join(tmpdir(), "waybill-gone-"));
    try {
      process.chdir(gone);
      await rm(gone, { recursive: true });
      await expect(resolveSettings({ environment: { WAYBILL_HOME: "/nowhere" } })).rejects.toMatchObject({
        code: "invalid_input",
        hint: expect.stringContaining("directory that exists"),
      });
    } finally {
      process.chdir(before);
    }
  });
});
