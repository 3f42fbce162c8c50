/** Whether traffic may come: gates that are kept, a hold that beats a release, and nothing that opens by accident. */
import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { until } from "../harness/until.js";
import { type LiveSidecar, notesOf, serveTypes } from "./sidecar-process.js";

const box = perTest(createSandbox);

/** What all three ways to ask say; they must agree. */
async function isReady(sidecar: LiveSidecar): Promise<boolean> {
  const [health, startup, status] = await Promise.all(
    ["/v0/healthz", "/v0/startupz", "/v0/status"].map((path) => sidecar.ask("GET", path)),
  );
  expect([health?.text, startup?.text]).toEqual(["", ""]);
  const found = [health?.status === 200, startup?.status === 200, status?.json.status === "Ready"];
  expect(new Set(found).size).toBe(1);
  return found[0] === true;
}

async function carryOut(sidecar: LiveSidecar, type: string, params?: object): Promise<void> {
  await sidecar.reaches(await sidecar.submit(type, params), "completed");
}

/** One handler is all that this engine may run, so that what is submitted next waits. */
async function occupied(): Promise<LiveSidecar> {
  const sidecar = await serveTypes(box, ["--concurrency", "1"]);
  await sidecar.submit("deaf");
  await until("the only slot is taken", () => notesOf(box).length > 0);
  return sidecar;
}

describe("a service", () => {
  it("is not ready until it is marked so, and no longer once it is marked otherwise", async () => {
    const sidecar = await serveTypes(box);
    expect(await isReady(sidecar)).toBe(false);
    await carryOut(sidecar, "mark-ready");
    expect(await isReady(sidecar)).toBe(true);
    await carryOut(sidecar, "mark-not-ready", { reason: "upgrade" });
    expect(await isReady(sidecar)).toBe(false);
    expect((await sidecar.ask("GET", "/v0/readiness")).json).toMatchObject({
      closed: ["ready"],
      gates: [{ name: "ready", state: "held", by: "token", reason: "upgrade" }],
    });
    await carryOut(sidecar, "mark-ready");
    expect(await isReady(sidecar)).toBe(true);
  });

  it.each(["SIGTERM", "SIGKILL"] as const)(
    "is as ready as before after its sidecar was ended by %s",
    async (signal) => {
      const first = await serveTypes(box);
      await carryOut(first, "mark-ready");
      await first.end(signal);
      const second = await serveTypes(box);
      expect(await isReady(second)).toBe(true);
      await carryOut(second, "mark-not-ready");
      await second.end(signal);
      expect(await isReady(await serveTypes(box))).toBe(false);
    },
  );

  it("stays ready when tasks fail", async () => {
    const sidecar = await serveTypes(box);
    await carryOut(sidecar, "mark-ready");
    await sidecar.reaches(await sidecar.submit("fail"), "failed");
    expect(await isReady(sidecar)).toBe(true);
  });

  it("needs each gate that was ever named, set by a task or directly", async () => {
    const sidecar = await serveTypes(box);
    await carryOut(sidecar, "mark-ready");
    const put = (state: string, reason?: string) =>
      sidecar.ask("PUT", "/v0/readiness/cache.warm", { body: { state, reason } });
    expect(await put("held", "cold")).toMatchObject({ status: 200, json: { state: "held", reason: "cold" } });
    expect(await isReady(sidecar)).toBe(false);
    expect((await sidecar.ask("GET", "/v0/readiness")).json.closed).toEqual(["cache.warm"]);
    await carryOut(sidecar, "mark-ready", { gate: "cache.warm" });
    expect(await isReady(sidecar)).toBe(true);
    expect(await put("open")).toMatchObject({ status: 400 });
    expect(await sidecar.ask("PUT", "/v0/readiness/No%20Gate", { body: { state: "held" } })).toMatchObject({
      status: 400,
    });
  });
});

describe("a hold", () => {
  it("counts from its submission, before anything has carried it out", async () => {
    const sidecar = await occupied();
    await sidecar.ask("PUT", "/v0/readiness/ready", { body: { state: "released" } });
    expect(await isReady(sidecar)).toBe(true);
    const id = await sidecar.submit("mark-not-ready");
    expect(await isReady(sidecar)).toBe(false);
    expect(await sidecar.show(id)).toMatchObject({ state: "queued" });
  });

  it("that was left behind by a crash beats the release before it, at no time is the service ready meanwhile", async () => {
    const first = await occupied();
    const release = await first.submit("mark-ready");
    const hold = await first.submit("mark-not-ready");
    await first.end("SIGKILL");
    writeFileSync(box.path("release"), "");
    const second = await serveTypes(box, ["--concurrency", "1"]);
    await until("both are carried out", async () => {
      expect(await isReady(second)).toBe(false);
      const states = await Promise.all([release, hold].map((id) => second.show(id)));
      return states.every(({ status }) => status !== "running");
    });
    expect(await second.show(hold)).toMatchObject({ status: "completed" });
    expect(await isReady(second)).toBe(false);
  });

  it("that was left behind by a crash gives way to the release that was asked for after it", async () => {
    const first = await occupied();
    await first.submit("mark-not-ready");
    // Times on this wire have milliseconds: at the same one the hold would win.
    const before = Date.now();
    await until("a millisecond has passed", () => Date.now() > before);
    const release = await first.submit("mark-ready");
    await first.end("SIGKILL");
    writeFileSync(box.path("release"), "");
    const second = await serveTypes(box, ["--concurrency", "1"]);
    await second.reaches(release, "completed");
    await until("it is ready", async () => (await second.ask("GET", "/v0/healthz")).status === 200);
  });

  it("that was carried out first makes an older release fail, which opens the gate when it is submitted again", async () => {
    const sidecar = await occupied();
    const id = await sidecar.submit("mark-ready", {}, "9b2f0c52-0c7a-4a5e-8a5f-3f7cf3f0a001");
    const before = Date.now();
    await until("a millisecond has passed", () => Date.now() > before);
    await sidecar.ask("PUT", "/v0/readiness/ready", { body: { state: "held", reason: "repair" } });
    writeFileSync(box.path("release"), "");
    expect(await sidecar.reaches(id, "failed")).toMatchObject({
      error: expect.stringMatching(/^mark-ready: superseded by hold.*\[hint: /),
    });
    expect(await isReady(sidecar)).toBe(false);
    await sidecar.submit("mark-ready", {}, id);
    expect(await sidecar.reaches(id, "completed")).toMatchObject({ run: 2 });
    expect(await isReady(sidecar)).toBe(true);
  });
});
