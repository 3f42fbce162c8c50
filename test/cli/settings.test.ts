import { mkdirSync, writeFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";

const box = perTest(createSandbox);
beforeEach(() => {
  mkdirSync(box.home, { mode: 0o700 });
});

async function setting(name: string, args: readonly string[] = [], env: Record<string, string> = {}) {
  const { settings } = await box.json<OutputOf<"config.show">>(["config", "show", ...args], { env });
  const { value, origin } = settings.find((s) => s.name === name) ?? {};
  return [value, origin];
}

describe("`config show`", () => {
  it("says of the store that a flag goes before the environment, that before the file, that before the default", async () => {
    const file = `${box.home}/config.yaml`;
    const byDefault = await setting("WAYBILL_STORE");
    writeFileSync(file, "store: file:/from/file.db\n");
    const env = { WAYBILL_STORE: "file:/from/env.db" };

    expect(byDefault).toEqual([`file:${box.home}/waybill.db`, "default"]);
    expect(await setting("WAYBILL_STORE")).toEqual(["file:/from/file.db", `config file ${file}`]);
    expect(await setting("WAYBILL_STORE", [], env)).toEqual(["file:/from/env.db", "environment WAYBILL_STORE"]);
    expect(await setting("WAYBILL_STORE", ["--store", "memory:"], env)).toEqual(["memory:", "flag --store"]);
  });

  it("says of the inventory that the working directory's goes before that of WAYBILL_HOME", async () => {
    const none = await setting("WAYBILL_MACHINES");
    writeFileSync(`${box.home}/machines.yaml`, "machines: { a: {} }\n");
    const inHome = await setting("WAYBILL_MACHINES");
    writeFileSync(box.path("machines.yaml"), "machines: { b: {} }\n");

    expect(none).toEqual(["", "default: the machine `local` alone"]);
    expect(inHome).toEqual([`${box.home}/machines.yaml`, "found in the WAYBILL_HOME"]);
    expect(await setting("WAYBILL_MACHINES")).toEqual([box.path("machines.yaml"), "found in the working directory"]);
  });

  it("says where the home comes from", async () => {
    expect(await setting("WAYBILL_HOME")).toEqual([box.home, "environment WAYBILL_HOME"]);
    const env = { WAYBILL_HOME: "", XDG_STATE_HOME: box.path("state") };
    expect(await setting("WAYBILL_HOME", [], env)).toEqual([box.path("state/waybill"), "environment XDG_STATE_HOME"]);
  });

  it("refuses a config file with a key that nobody knows", async () => {
    writeFileSync(`${box.home}/config.yaml`, "stroe: file:x.db\n");
    const { code, stderr } = await box.cli(["config", "show"]);

    expect([code, stderr]).toEqual([2, expect.stringContaining('holds "stroe". (invalid_input)')]);
  });
});

describe("--store", () => {
  it("keeps records in the file that it names, relative to the working directory", async () => {
    box.work("good", "exit 0");
    const submitted = await box.cli(["run", "good", "--store", "file:other.db"]);
    const here = await box.json<OutputOf<"runs.list">>(["runs", "list", "--store", `file:${box.path("other.db")}`]);
    const elsewhere = await box.json<OutputOf<"runs.list">>(["runs", "list"]);

    expect([submitted.code, here.runs.length, elsewhere.runs.length]).toEqual([0, 1, 0]);
  });
});
