/**
 * The faults of the first implementation of this API, each as a fact of this one. Those of how a sidecar ends and of what
 * survives it are in `lifecycle.test.ts`, those of readiness in `readiness.test.ts`.
 */
import { randomUUID } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Sidecar } from "../../src/app/sidecar/sidecar.js";
import { openEngine } from "../../src/engine/open-engine.js";
import { defineTask } from "../../src/engine/task-definition.js";
import { listen } from "../../src/interfaces/http/listen.js";
import { mountSmallDisk, type SmallDisk, whyNoSmallDisk } from "../../src/machines/conformance/small-disk.js";
import { silentLog } from "../../src/observe/log.js";
import { Metrics } from "../../src/observe/metrics.js";
import { openStore } from "../../src/store/open-store.js";
import { anything } from "../engine/workshop.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { until } from "../harness/until.js";
import {
  begun,
  Description,
  ended,
  type LiveSidecar,
  notesOf,
  serveIn,
  serveTypes,
  writeTasks,
} from "./sidecar-process.js";

const noDisk = whyNoSmallDisk();

const box = perTest(createSandbox);

describe("a task that is removed while it runs", () => {
  it("is not brought back by its handler's success (fault 2)", async () => {
    const sidecar = await serveTypes(box);
    const id = await sidecar.submit("deaf");
    await begun(box, 1);
    expect((await sidecar.ask("DELETE", `/v0/tasks/${id}`)).status).toBe(204);
    writeFileSync(box.path("release"), "");
    await ended(box, 1);
    // What comes after the handler in the same process is recorded after what the handler led to.
    await sidecar.reaches(await sidecar.submit("echo"), "completed");
    expect((await sidecar.ask("GET", `/v0/tasks/${id}`)).status).toBe(404);
    expect((await sidecar.ask("GET", "/v0/tasks")).json).toHaveLength(1);
  });

  it("and submitted again under its id is another task, which the old handler cannot end (fault 3)", async () => {
    const sidecar = await serveTypes(box);
    const id = await sidecar.submit("deaf", { until: "first" }, randomUUID());
    await begun(box, 1);
    expect((await sidecar.ask("DELETE", `/v0/tasks/${id}`)).status).toBe(204);
    expect(await sidecar.submit("deaf", { until: "second", other: true }, id)).toBe(id);
    await begun(box, 2);
    writeFileSync(box.path("first"), "");
    await ended(box, 1);
    await sidecar.reaches(await sidecar.submit("echo"), "completed");
    expect(await sidecar.show(id)).toMatchObject({ status: "running", params: { other: true } });
    writeFileSync(box.path("second"), "");
    expect(await sidecar.reaches(id, "completed")).toMatchObject({ result: "deaf", run: 1 });
  });

  it("hears of it by its signal", async () => {
    const sidecar = await serveTypes(box);
    const id = await sidecar.submit("hold");
    await begun(box, 1);
    await sidecar.ask("DELETE", `/v0/tasks/${id}`);
    await until("nothing runs", async () =>
      (await sidecar.ask("GET", "/v0/metrics")).text.includes("waybill_tasks_running 0"),
    );
    expect(notesOf(box).filter((note) => note.startsWith("end"))).toEqual([]);
  });
});

/** A server over a store in this process, of which a test can take the store away. */
async function serveHere(path: string) {
  const store = await openStore(`file:${path}`);
  const echo = defineTask({ type: "echo", params: anything, run: () => null });
  const engine = await openEngine({ store, tasks: [echo] });
  const sidecar = new Sidecar(engine, store, new Metrics());
  const facts = { port: 0, bind: "127.0.0.1", auth: "none", token: null, bodyLimit: 1_024, version: "0" } as const;
  const server = await listen(sidecar, { ...facts, log: silentLog });
  const ask = (method: string, path: string, body?: unknown) =>
    fetch(`${server.url}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });
  const close = async (): Promise<void> => {
    await server.close();
    await engine.close();
    await store.close();
  };
  return { store, sidecar, ask, close };
}

describe("a store that was closed", () => {
  it("is told as 503 with Retry-After by every route: never as 404, as an empty list, as 400 or as ready (fault 5)", async () => {
    const { store, sidecar, ask, close } = await serveHere(box.path("waybill.db"));
    try {
      await sidecar.decide("ready", { state: "released" }, null);
      const id = await sidecar.submit({ type: "echo" }, { by: null, traceparent: null });
      expect((await ask("GET", "/v0/healthz")).status).toBe(200);
      const description = new Description((await (await ask("GET", "/v0/openapi.json")).json()) as never);
      await store.close();
      for (const [method, path, body] of [
        ["GET", "/v0/tasks"],
        ["GET", `/v0/tasks/${id}`],
        ["DELETE", `/v0/tasks/${id}`],
        ["POST", "/v0/tasks", { type: "echo" }],
        ["POST", "/v0/tasks", { type: "echo", id }],
        ["GET", "/v0/status"],
        ["GET", "/v0/metrics"],
        ["GET", "/v0/readiness"],
        ["PUT", "/v0/readiness/ready", { state: "released" }],
        ["GET", "/v0/livez"],
        ["GET", "/v0/livez?verbose=1"],
      ] as const) {
        const { status, headers, text } = await ask(method, path, body).then(async (answer) => ({
          status: answer.status,
          headers: answer.headers,
          text: await answer.text(),
        }));
        expect([method, path, status, headers.get("retry-after")]).toEqual([method, path, 503, "1"]);
        const json = text === "" ? undefined : JSON.parse(text);
        description.check(method, path, { status, headers, text, json });
        if (path === "/v0/livez") expect(text).toBe("");
        else expect(json).toMatchObject({ error: expect.stringContaining("closed"), retryable: true });
      }
      for (const path of ["/v0/healthz", "/v0/startupz"]) expect((await ask("GET", path)).status).toBe(503);
    } finally {
      await close();
    }
  });
});

describe("a list", () => {
  it("has the newest 100, newest first; the others are not lost (fault 6)", async () => {
    const sidecar = await serveTypes(box);
    const ids = await Promise.all(Array.from({ length: 120 }, () => sidecar.submit("echo")));
    const last = await sidecar.submit("echo");
    const listed = (await sidecar.ask("GET", "/v0/tasks")).json as { id: string; submittedAt: string }[];
    expect(listed).toHaveLength(100);
    expect(listed[0]?.id).toBe(last);
    const times = listed.map(({ submittedAt }) => submittedAt);
    expect(times).toEqual([...times].sort().reverse());
    for (const id of ids) expect((await sidecar.show(id)).id).toBe(id);
  });
});

describe("a task", () => {
  it("runs in no more handlers at once than --concurrency says (fault 6)", async () => {
    const sidecar = await serveTypes(box, ["--concurrency", "2"]);
    const ids = await Promise.all(Array.from({ length: 5 }, () => sidecar.submit("hold")));
    await begun(box, 2);
    expect((await sidecar.ask("GET", "/v0/metrics")).text).toContain("waybill_tasks_running 2");
    expect(notesOf(box)).toHaveLength(2);
    writeFileSync(box.path("release"), "");
    for (const id of ids) await sidecar.reaches(id, "completed");
  });

  it("that failed says with which code, besides its message (fault 7)", async () => {
    const sidecar = await serveTypes(box);
    const id = await sidecar.submit("fail", { message: "out of paper" });
    expect(await sidecar.reaches(id, "failed")).toMatchObject({ error: "out of paper", errorCode: "task_failed" });
  });

  it("is not another one under its id: 409 for another type and for other params, whatever its status (fault 8)", async () => {
    const sidecar = await serveTypes(box);
    const id = await sidecar.submit("fail", { message: "no" }, randomUUID());
    await sidecar.reaches(id, "failed");
    for (const other of [
      { type: "echo", params: { message: "no" }, id },
      { type: "fail", params: { message: "yes" }, id },
    ]) {
      const refused = await sidecar.ask("POST", "/v0/tasks", { body: other });
      expect(refused).toMatchObject({ status: 409, json: { code: "task_conflict", retryable: false } });
    }
    expect(await sidecar.show(id)).toMatchObject({ type: "fail", run: 1, params: { message: "no" } });
  });

  it("has on record who submitted it, and the log who removed it (fault 9)", async () => {
    const credentials = { "x-remote-user": "alice" };
    const sidecar = await serveIn(box, { args: ["--tasks", writeTasks(box), "--auth", "trusted-header"], credentials });
    const id = await sidecar.submit("echo");
    expect(await sidecar.reaches(id, "completed")).toMatchObject({ createdBy: "alice" });
    const bob = { "x-remote-user": "bob" };
    await sidecar.ask("DELETE", `/v0/tasks/${id}`, { headers: bob });
    await until("it is in the log", () => sidecar.logged("http.request").length === 2);
    expect(sidecar.logged("http.request")).toMatchObject([
      { method: "POST", by: "alice", status: 201 },
      { method: "DELETE", by: "bob", status: 204, path: `/v0/tasks/${id}` },
    ]);
  });
});

describe.skipIf(noDisk !== null)(
  `a home on a small file system${noDisk === null ? "" : ` (skipped: ${noDisk})`}`,
  () => {
    let disk: SmallDisk;
    beforeEach(() => {
      disk = mountSmallDisk(box.home, "4m");
    });
    afterEach(() => disk.unmount());

    const livez = (sidecar: LiveSidecar) => sidecar.ask("GET", "/v0/livez?verbose=1");

    it("that is full is not alive, refuses submissions with 503, and is alive again when there is space (faults 4, 11)", async () => {
      const sidecar = await serveTypes(box);
      const id = await sidecar.submit("deaf");
      await begun(box, 1);
      expect((await livez(sidecar)).status).toBe(200);
      const filling = disk.fill();
      // Room that the journal had already may take the first few writes.
      await until("a submission is refused", async () => {
        const { status, json } = await sidecar.ask("POST", "/v0/tasks", {
          body: { type: "echo", params: { fill: "x".repeat(100_000) } },
        });
        if (status === 201) return false;
        expect([status, json.code]).toEqual([503, "store_full"]);
        return true;
      });
      const dead = await until("it is not alive", async () => {
        const answer = await livez(sidecar);
        return answer.status === 503 && answer;
      });
      expect(dead.json).toMatchObject({ code: "store_full", retryable: true });
      expect((await sidecar.ask("GET", `/v0/tasks/${id}`)).json).toMatchObject({ status: "running" });
      writeFileSync(box.path("release"), "");
      await ended(box, 1);
      rmSync(filling);
      await until("it is alive again", async () => (await livez(sidecar)).status === 200);
      expect(await sidecar.reaches(id, "completed")).toMatchObject({ result: "deaf", attempt: 1 });
    });

    it("that may only be read is not alive, and says why; what is recorded is shown all the same (fault 11)", async () => {
      const path = join(box.home, "waybill.db");
      const before = await serveHere(path);
      const id = await before.sidecar.submit({ type: "echo" }, { by: null, traceparent: null });
      expect((await before.ask("GET", "/v0/livez")).status).toBe(200);
      await before.close();
      expect(disk.setReadOnly(true)).toBe(true);
      const { ask, close } = await serveHere(path);
      try {
        const dead = await ask("GET", "/v0/livez?verbose=1");
        expect([dead.status, await dead.json()]).toMatchObject([503, { code: "store_unwritable" }]);
        expect((await ask("POST", "/v0/tasks", { type: "echo" })).status).toBe(503);
        expect((await ask("DELETE", `/v0/tasks/${id}`)).status).toBe(503);
        expect(await (await ask("GET", "/v0/tasks")).json()).toMatchObject([{ id }]);
      } finally {
        await close();
      }
    });
  },
);
