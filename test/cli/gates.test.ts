import { describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { serveTasks } from "./task-engine.js";

type Gates = OutputOf<"gates.list">;

const box = perTest(createSandbox);

const list = async () => await box.json<Gates>(["gates", "list"]);

describe("`gates`", () => {
  it("is not ready until the gate that exists everywhere is released", async () => {
    const before = await list();
    await box.cli(["gates", "release", "ready"]);

    expect(before).toEqual({ ready: false, closed: ["ready"], gates: [] });
    expect(await list()).toMatchObject({ ready: true, closed: [], gates: [{ name: "ready", open: true }] });
  });

  it("says who holds a gate, since when and why, and that one gate is enough to hold", async () => {
    await box.cli(["gates", "release", "ready"]);
    const { stdout } = await box.cli(["gates", "hold", "schema", "--reason", "new tables"]);
    const listed = await box.cli(["gates", "list"]);

    expect(stdout).toBe("schema is held\n");
    expect(await list()).toMatchObject({
      ready: false,
      closed: ["schema"],
      gates: [
        { name: "ready", open: true },
        { name: "schema", open: false, held_at: expect.any(String), by: expect.any(String), reason: "new tables" },
      ],
    });
    expect(listed.stdout).toMatch(/^schema +held .*new tables$/m);
    expect(listed.stdout).toContain("not ready: schema");
  });

  it("is what a sidecar of the store answers by", async () => {
    await box.cli(["gates", "release", "ready"]);
    const live = await serveTasks(box);
    const [, url] = await live.says(/(http:\/\/[^\s"]+)/);
    const open = await fetch(`${url}/v0/healthz`);
    await box.cli(["gates", "hold", "ready"]);

    expect([open.status, (await fetch(`${url}/v0/healthz`)).status]).toEqual([200, 503]);
  });

  it("refuses what is no name of a gate", async () => {
    const { code, stderr } = await box.cli(["gates", "hold", "No Name"]);

    expect(code).toBe(2);
    expect(stderr).toContain("no name of a readiness gate");
  });
});
