import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WaybillError } from "../../domain/errors.js";
import { listTailscaleMachines, type TailscaleAccess, tailscaleAccess } from "./tailscale.js";

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

let server: Server;
let answers: Answer[];
let asked: { method: string; url: string; authorization: string | undefined; body: string }[];
beforeEach(async () => {
  answers = [];
  asked = [];
  server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      asked.push({ method, url, authorization: headers.authorization, body });
      // The last answer is given for ever.
      (answers.length > 1 ? answers.shift() : answers[0])?.(request, response, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const json = (value: unknown, status = 200, headers: Record<string, string> = {}): Answer => {
  return (_request, response) => response.writeHead(status, headers).end(JSON.stringify(value));
};
const text = (value: string, status = 200): Answer => {
  return (_request, response) => response.writeHead(status).end(value);
};
const baseUrl = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const access = (more: Partial<TailscaleAccess> = {}): TailscaleAccess => ({
  baseUrl: baseUrl(),
  credentials: { kind: "key", key: "tskey-api-1" },
  ...more,
});
async function failureOf(work: Promise<unknown>): Promise<WaybillError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof WaybillError) return error;
  throw new Error(`expected an error of ours, found ${String(error)}`);
}

const gpu = {
  name: "gpu-1.tail1234.ts.net",
  hostname: "GPU 1",
  addresses: ["100.64.0.1", "fd7a::1"],
  os: "linux",
  tags: ["tag:gpu", "tag:fast"],
  lastSeen: "2026-01-01T00:00:00Z",
  connectedToControl: true,
  user: "ann@example.com",
};

describe("the devices of a tailnet", () => {
  it("are machines by the first label of their name, with their tags, system and address", async () => {
    const mac = {
      name: "air.tail1234.ts.net",
      addresses: ["100.64.0.2"],
      os: "macOS",
      lastSeen: new Date().toISOString(),
    };
    const phone = { name: "phone", addresses: ["100.64.0.3"], os: "iOS", lastSeen: "2026-01-01T00:00:00Z" };
    answers = [json({ devices: [phone, gpu, mac] })];

    expect(await listTailscaleMachines(access())).toEqual([
      {
        name: "air",
        host: "air.tail1234.ts.net",
        os: "macos",
        tags: [],
        online: true,
        about: "100.64.0.2, macOS, online",
      },
      {
        name: "gpu-1",
        host: "gpu-1.tail1234.ts.net",
        os: "linux",
        tags: ["gpu", "fast"],
        online: true,
        about: "100.64.0.1, linux, online",
      },
      { name: "phone", host: "100.64.0.3", os: null, tags: [], online: false, about: "100.64.0.3, iOS, offline" },
    ]);
    expect(asked).toEqual([
      { method: "GET", url: "/api/v2/tailnet/-/devices?fields=all", authorization: "Bearer tskey-api-1", body: "" },
    ]);
  });

  it("are asked for with a token when there is an OAuth client", async () => {
    answers = [json({ access_token: "token-1", expires_in: 3600 }), json({ devices: [gpu] })];
    const machines = await listTailscaleMachines(access({ credentials: { kind: "client", id: "c", secret: "s&1" } }));

    expect(machines.map(({ name }) => name)).toEqual(["gpu-1"]);
    expect(asked.map(({ method, url, authorization, body }) => [method, url, authorization, body])).toEqual([
      ["POST", "/api/v2/oauth/token", undefined, "client_id=c&client_secret=s%261"],
      ["GET", "/api/v2/tailnet/-/devices?fields=all", "Bearer token-1", ""],
    ]);
  });

  it.each([401, 403])("are refused with auth_failed when the API says %i, and nobody asks again", async (status) => {
    answers = [json({ message: "no" }, status)];

    expect(await failureOf(listTailscaleMachines(access()))).toMatchObject({
      code: "auth_failed",
      details: { status },
    });
    expect(asked).toHaveLength(1);
  });

  it("are asked for again after as long as a busy API says", async () => {
    answers = [json({}, 429, { "retry-after": "0" }), text("oops", 502), json({ devices: [gpu] })];

    expect(await listTailscaleMachines(access())).toHaveLength(1);
    expect(asked).toHaveLength(3);
  });

  it("are given up when the API is busy for longer than anybody waits, which is told", async () => {
    answers = [json({}, 429, { "retry-after": "3600" })];
    const error = await failureOf(listTailscaleMachines(access()));

    expect(error).toMatchObject({ code: "source_unavailable", hint: "Try again in 3600 s." });
    expect(asked).toHaveLength(1);
  });

  it("are given up when the API fails each time", async () => {
    answers = [json({}, 500, { "retry-after": "0" })];

    expect(await failureOf(listTailscaleMachines(access()))).toMatchObject({
      code: "source_unavailable",
      message: "Tailscale's API answered with 500.",
    });
    expect(asked).toHaveLength(3);
  });

  it.each([
    ["no JSON", text("<html>"), "something that is no JSON"],
    ["no devices", json({ machines: [] }), "in an unknown form: devices"],
    ["a device without a name", json({ devices: [{ os: "linux" }] }), "in an unknown form: devices.0.name"],
  ])("are not guessed from an answer with %s", async (_what, answer, message) => {
    answers = [answer];
    const error = await failureOf(listTailscaleMachines(access()));

    expect(error.code).toBe("source_unavailable");
    expect(error.message).toContain(message);
  });

  it("are not waited for longer than an answer may take, and an API that is not there is told", async () => {
    answers = [() => undefined];
    const slow = await failureOf(listTailscaleMachines(access({ answerMs: 50 })));
    const nowhere = await failureOf(listTailscaleMachines(access({ baseUrl: "http://127.0.0.1:9" })));

    expect(slow).toMatchObject({
      code: "source_unavailable",
      message: expect.stringContaining("no answer within 50 ms"),
    });
    expect(nowhere).toMatchObject({
      code: "source_unavailable",
      message: expect.stringContaining("cannot be reached"),
    });
  });

  it("keep their credentials out of every error, also of one that a redirect would carry away", async () => {
    answers = [(_request, response) => response.writeHead(302, { location: "http://127.0.0.1:9/" }).end()];
    const error = await failureOf(listTailscaleMachines(access()));

    expect(error.code).toBe("source_unavailable");
    expect(JSON.stringify([error.message, error.hint, error.details])).not.toContain("tskey");
  });
});

describe("access to Tailscale", () => {
  it("comes from the environment, an API key first", () => {
    const client = { TAILSCALE_OAUTH_CLIENT_ID: "c", TAILSCALE_OAUTH_CLIENT_SECRET: "s" };

    expect(tailscaleAccess({ TAILSCALE_API_KEY: "k", ...client })).toEqual({
      baseUrl: "https://api.tailscale.com",
      credentials: { kind: "key", key: "k" },
    });
    expect(tailscaleAccess({ ...client, WAYBILL_TAILSCALE_URL: "http://x" })).toEqual({
      baseUrl: "http://x",
      credentials: { kind: "client", id: "c", secret: "s" },
    });
    expect(() => tailscaleAccess({ TAILSCALE_OAUTH_CLIENT_ID: "c" })).toThrow("no credentials for Tailscale");
  });
});
