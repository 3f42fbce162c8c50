/** The wire of `/v0`, asked by a client in another process. Each answer is held against the OpenAPI document as well. */

import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SIDECAR_ROUTES } from "../../src/contracts/sidecar-routes.js";
import { createSandbox, type Sandbox } from "../harness/sandbox.js";
import { type LiveSidecar, readToken, serveIn, writeTasks } from "./sidecar-process.js";

const FIXED_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

let box: Sandbox;
let sidecar: LiveSidecar;
beforeAll(async () => {
  box = createSandbox();
  sidecar = await serveIn(box, { args: ["--tasks", writeTasks(box)] });
});
afterAll(() => box.dispose());

const post = (body: unknown, headers = {}) => sidecar.ask("POST", "/v0/tasks", { body, headers });

describe("a list of tasks", () => {
  it("is [] while there are none", async () => {
    expect((await sidecar.ask("GET", "/v0/tasks")).text).toBe("[]");
  });
});

describe("a task that is submitted", () => {
  it("is answered with 201 and its id, and shown with fixed-width times, its run and its result", async () => {
    const reply = await post({ type: "echo", params: { answer: { n: 1 } } });
    expect(reply.status).toBe(201);
    expect(Object.keys(reply.json)).toEqual(["id"]);
    const task = await sidecar.reaches(reply.json.id, "completed");
    expect(task).toMatchObject({ id: reply.json.id, type: "echo", run: 1, attempt: 1, result: { n: 1 } });
    expect(task).toMatchObject({ params: { answer: { n: 1 } }, state: "completed", createdBy: "token" });
    expect([task.submittedAt, task.completedAt]).toEqual([
      expect.stringMatching(FIXED_TIME),
      expect.stringMatching(FIXED_TIME),
    ]);
  });

  it("has neither params nor result nor error when there are none", async () => {
    const task = await sidecar.reaches(await sidecar.submit("echo"), "completed");
    for (const name of ["params", "result", "error", "errorCode", "progress"]) expect(task).not.toHaveProperty(name);
  });

  it("under a known id is the same task, whatever way the UUID is spelt", async () => {
    const id = randomUUID();
    expect(await sidecar.submit("echo", { answer: 1 }, id)).toBe(id);
    expect(await sidecar.submit("echo", { answer: 1 }, id.toUpperCase())).toBe(id);
    expect(await sidecar.submit("echo", { answer: 1 }, `urn:uuid:${id}`)).toBe(id);
    expect(await sidecar.reaches(id, "completed")).toMatchObject({ run: 1, attempt: 1 });
    expect(await sidecar.submit("echo", { answer: 1 }, id)).toBe(id);
    expect(await sidecar.show(id)).toMatchObject({ status: "completed", run: 1, attempt: 1 });
  });

  it("with an empty id gets one, as clients without an id send it", async () => {
    expect((await post({ id: "", type: "echo" })).json.id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("is failed with what its handler said and a code, and runs once more when it is submitted again", async () => {
    const id = await sidecar.submit("fail", { message: "no luck" }, randomUUID());
    const failed = await sidecar.reaches(id, "failed");
    expect(failed).toMatchObject({ run: 1, error: "no luck", errorCode: "task_failed", state: "failed" });
    writeFileSync(box.path("mended"), "");
    await Promise.all([1, 2].map(() => sidecar.submit("fail", { message: "no luck" }, id)));
    const mended = await sidecar.reaches(id, "completed");
    expect(mended).toMatchObject({ run: 2, result: "mended" });
    expect(mended).not.toHaveProperty("error");
  });

  it("is running on this wire while it waits, and is told apart by its state", async () => {
    const id = await sidecar.submit("hold");
    expect(await sidecar.show(id)).toMatchObject({ status: "running" });
    writeFileSync(box.path("release"), "");
    expect(await sidecar.reaches(id, "completed")).toMatchObject({ result: "held" });
  });

  it("carries the caller's traceparent to its handler", async () => {
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const { json } = await post({ type: "trace" }, { traceparent });
    expect(await sidecar.reaches(json.id, "completed")).toMatchObject({ result: traceparent });
    const other = await post({ type: "trace" }, { traceparent: "nonsense" });
    expect(await sidecar.reaches(other.json.id, "completed")).not.toHaveProperty("result");
  });
});

describe("a submission is refused", () => {
  const refusals: readonly (readonly [what: string, raw: string, said: RegExp])[] = [
    ["what is no JSON", "{", /not one JSON value/],
    ["a second value after the first", '{"type":"echo"}{"type":"echo"}', /not one JSON value/],
    ["a field that it does not know", '{"type":"echo","parms":{}}', /unknown key "parms".*did you mean "params"/],
    ["an empty type", '{"type":""}', /type/],
    ["no type", "{}", /missing key "type"/],
    ["a type that nobody defined", '{"type":"eco"}', /No task of the type "eco"/],
    ["an id that is no UUID", '{"type":"echo","id":"7"}', /"7" is not a task id/],
    ["params that are no map", '{"type":"echo","params":[]}', /params/],
    ["a list", "[]", /expected a map/],
  ];
  it.each(refusals)("with 400 for %s", async (_what, raw, said) => {
    const reply = await sidecar.ask("POST", "/v0/tasks", { raw });
    expect(reply).toMatchObject({ status: 400, json: { error: expect.stringMatching(said), retryable: false } });
  });

  it("with 400 for bytes that are no UTF-8", async () => {
    const raw = Uint8Array.from([0x22, 0xff, 0xfe, 0x22]);
    expect(await sidecar.ask("POST", "/v0/tasks", { raw })).toMatchObject({ status: 400 });
  });

  it("with 415 unless it says that it is JSON, so that no form of a page can submit", async () => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"]) {
      expect(await post({ type: "echo" }, { "content-type": type })).toMatchObject({
        status: 415,
        json: { code: "unsupported_media_type" },
      });
    }
    expect(await post({ type: "echo" }, { "content-type": "application/json; charset=utf-8" })).toMatchObject({
      status: 201,
    });
  });

  it("with 413 when it is larger than 1 MiB, told its length or not", async () => {
    const raw = JSON.stringify({ type: "echo", params: { fill: "x".repeat(1024 * 1024) } });
    const told = await sidecar.ask("POST", "/v0/tasks", { raw });
    expect(told).toMatchObject({ status: 413, json: { code: "request_too_large" } });
    const stream = new ReadableStream({
      start: (controller) => {
        controller.enqueue(new TextEncoder().encode(raw));
        controller.close();
      },
    });
    const init = {
      method: "POST",
      body: stream,
      headers: { "content-type": "application/json", ...credentials() },
      duplex: "half",
    };
    expect((await fetch(`${sidecar.url}/v0/tasks`, init as RequestInit)).status).toBe(413);
    expect((await sidecar.ask("GET", "/v0/status")).status).toBe(200);
  });
});

const credentials = (): Record<string, string> => ({ authorization: `Bearer ${readToken(box)}` });

describe("a task by its id", () => {
  it("is 404 when it is unknown and 400 when the id is no UUID, to show and to remove", async () => {
    for (const method of ["GET", "DELETE"]) {
      const unknown = await sidecar.ask(method, `/v0/tasks/${randomUUID()}`);
      expect(unknown).toMatchObject({ status: 404, json: { code: "task_not_found" } });
      expect(await sidecar.ask(method, "/v0/tasks/7")).toMatchObject({
        status: 400,
        json: { code: "invalid_task_id" },
      });
    }
  });

  it("is removed with 204 and nothing more, and unknown from then on", async () => {
    const id = await sidecar.submit("echo");
    await sidecar.reaches(id, "completed");
    expect(await sidecar.ask("DELETE", `/v0/tasks/${id}`)).toMatchObject({ status: 204, text: "" });
    expect(await sidecar.ask("DELETE", `/v0/tasks/${id}`)).toMatchObject({ status: 404 });
  });
});

describe("the description of the API", () => {
  it("has every route with every answer of the table, and is OpenAPI 3.1", async () => {
    const { json } = await sidecar.ask("GET", "/v0/openapi.json");
    expect(json.openapi).toBe("3.1.0");
    const described = Object.entries<Record<string, { responses: object }>>(json.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { responses }]) => `${method} ${path} ${Object.keys(responses)}`),
    );
    const declared = Object.values(SIDECAR_ROUTES).map(
      ({ method, path, answers }) => `${method} ${path} ${Object.keys(answers)}`,
    );
    expect(described.sort()).toEqual(declared.sort());
    expect(JSON.stringify(json)).not.toContain("$defs");
  });

  it("is told on the page about sidecars, route by route", () => {
    const page = readFileSync(new URL("../../docs/sidecar.md", import.meta.url), "utf8");
    for (const { method, path, summary, answers } of Object.values(SIDECAR_ROUTES)) {
      const row = `| ${method.toUpperCase()} \`${path}\` | ${summary} | ${Object.keys(answers).join(" ")} |`;
      expect(page.split("\n")).toContain(row);
    }
  });

  it("is not where a route is missing: that is 404 with a code", async () => {
    expect(await sidecar.ask("GET", "/v0/nothing")).toMatchObject({
      status: 404,
      json: { code: "operation_not_found" },
    });
  });

  it("answers a method that a path does not have with those that it has", async () => {
    const { status, headers, json } = await sidecar.ask("PATCH", "/v0/tasks");
    expect({ status, allow: headers.get("allow"), json }).toMatchObject({
      status: 405,
      allow: "POST, GET",
      json: { code: "method_not_allowed" },
    });
  });
});
