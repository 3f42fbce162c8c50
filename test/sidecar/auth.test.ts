/** Who may ask a sidecar, and what it takes to be turned away. */
import { once } from "node:events";
import { statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SIDECAR_ROUTES } from "../../src/contracts/sidecar-routes.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { until } from "../harness/until.js";
import { type LiveSidecar, readToken, serveIn } from "./sidecar-process.js";

const box = perTest(createSandbox);

/** A request with exactly these headers, names repeated as they are. @returns its status */
async function bare(url: string, headers: readonly (readonly [string, string])[]): Promise<number> {
  const asked = request(url, { headers: headers.flat() });
  asked.end();
  const [answer] = (await once(asked, "response")) as [{ statusCode: number; resume(): void }];
  answer.resume();
  return answer.statusCode;
}

const hostOf = (sidecar: LiveSidecar): readonly [string, string] => ["Host", new URL(sidecar.url).host];

describe("with a token", () => {
  it("every route but the probes is closed to whoever shows none or another one", async () => {
    const sidecar = await serveIn(box);
    for (const { method, path, open } of Object.values(SIDECAR_ROUTES)) {
      const real = path.replace(/\{\w+\}/, "x");
      for (const authorization of [
        "",
        "Bearer",
        "Bearer wrong",
        `Basic ${readToken(box)}`,
        `Bearer ${readToken(box)}x`,
      ]) {
        const { status, headers } = await sidecar.ask(method.toUpperCase(), real, { headers: { authorization } });
        if (open) expect([200, 503]).toContain(status);
        else expect([status, headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
      }
    }
    expect((await sidecar.ask("GET", "/v0/status")).status).toBe(200);
    expect((await sidecar.ask("GET", "/v0/nothing", { headers: { authorization: "" } })).status).toBe(401);
  });

  it("it is made once, for its owner alone, and read again by the next one and by two at once", async () => {
    const [first, second] = await Promise.all([serveIn(box), serveIn(box)]);
    const token = readToken(box);
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    expect(statSync(join(box.home, "token")).mode & 0o777).toBe(0o600);
    for (const sidecar of [first, second]) expect((await sidecar.ask("GET", "/v0/tasks")).status).toBe(200);
    await Promise.all([first.end("SIGTERM"), second.end("SIGTERM")]);
    const third = await serveIn(box);
    expect([readToken(box), (await third.ask("GET", "/v0/tasks")).status]).toEqual([token, 200]);
  });

  it("of a file or of the environment it is that one, and none is made", async () => {
    writeFileSync(box.path("secret"), "0123456789abcdef0123\n");
    const byFile = await serveIn(box, {
      args: ["--token-file", "secret"],
      credentials: { authorization: "Bearer 0123456789abcdef0123" },
    });
    expect((await byFile.ask("GET", "/v0/tasks")).status).toBe(200);
    const byEnvironment = await serveIn(box, {
      env: { WAYBILL_TOKEN: "fedcba9876543210fedcba" },
      credentials: { authorization: "Bearer fedcba9876543210fedcba" },
    });
    expect((await byEnvironment.ask("GET", "/v0/tasks")).status).toBe(200);
    expect(() => readToken(box)).toThrow("ENOENT");
  });

  it("that is too short to be one, or cannot be read, is refused before anything starts", async () => {
    writeFileSync(box.path("secret"), "short\n");
    const short = await box.cli(["serve", "--port", "0", "--token-file", "secret"]);
    expect(short).toMatchObject({ code: 2, stderr: expect.stringContaining("holds no token") });
    const missing = await box.cli(["serve", "--port", "0", "--token-file", "none"]);
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining("cannot be read") });
  });

  it("it is never in the log", async () => {
    const sidecar = await serveIn(box);
    await sidecar.submit("mark-ready");
    await sidecar.end("SIGTERM");
    expect(sidecar.live.stderr()).not.toContain(readToken(box));
  });
});

describe("with a trusted header", () => {
  it("exactly one user that is not empty is admitted, and is who submitted", async () => {
    const alice = { "x-remote-user": "alice" };
    const sidecar = await serveIn(box, { args: ["--auth", "trusted-header"], credentials: alice });
    const url = `${sidecar.url}/v0/tasks`;
    const host = hostOf(sidecar);
    expect(await bare(url, [host])).toBe(401);
    expect(await bare(url, [host, ["X-Remote-User", ""]])).toBe(401);
    expect(await bare(url, [host, ["X-Remote-User", "alice"], ["x-remote-user", "root"]])).toBe(401);
    expect(await bare(url, [host, ["X-Remote-User", "alice"]])).toBe(200);
    expect(await bare(`${sidecar.url}/v0/livez`, [host])).toBe(200);
    const id = await sidecar.submit("mark-ready");
    expect(await sidecar.reaches(id, "completed")).toMatchObject({ createdBy: "alice" });
    const metrics = (await sidecar.ask("GET", "/v0/metrics")).text;
    for (const reason of ["missing_header", "empty_header", "duplicate_header"]) {
      expect(metrics).toContain(`waybill_http_rejections_total{reason="${reason}"} 1`);
    }
  });
});

describe("on loopback", () => {
  it("a request for another host, or from a page of another site, is forbidden: also to probes, also without credentials", async () => {
    const sidecar = await serveIn(box, { args: ["--auth", "none"], credentials: {} });
    const { port } = new URL(sidecar.url);
    for (const path of ["/v0/tasks", "/v0/healthz"]) {
      const url = `${sidecar.url}${path}`;
      for (const host of ["evil.example", `evil.example:${port}`, "127.0.0.1.evil.example", "10.0.0.1"]) {
        expect(await bare(url, [["Host", host]])).toBe(403);
      }
      for (const origin of ["https://evil.example", "null", `http://localhost:${Number(port) + 1}`]) {
        expect(await bare(url, [hostOf(sidecar), ["Origin", origin]])).toBe(403);
      }
    }
    for (const host of ["localhost", `localhost:${port}`, "127.0.0.1:1", "[::1]:99"]) {
      expect(await bare(`${sidecar.url}/v0/tasks`, [["Host", host]])).toBe(200);
    }
    expect(await bare(`${sidecar.url}/v0/tasks`, [hostOf(sidecar), ["Origin", sidecar.url]])).toBe(200);
  });

  it.each(["none", "trusted-header"])("alone --auth %s is taken", async (auth) => {
    for (const bind of ["0.0.0.0", "::", "192.0.2.1"]) {
      const refused = await box.cli(["serve", "--port", "0", "--auth", auth, "--bind", bind]);
      expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining(`--auth ${auth} on ${bind}`) });
    }
  });
});

describe("on all addresses", () => {
  it("a token is needed whatever host is asked for", async () => {
    const sidecar = await serveIn(box, { args: ["--bind", "0.0.0.0"] });
    const authorization = ["Authorization", `Bearer ${readToken(box)}`] as const;
    const url = `${sidecar.url}/v0/tasks`;
    expect(await bare(url, [["Host", "sidecar.example"]])).toBe(401);
    expect(await bare(url, [["Host", "sidecar.example"], authorization])).toBe(200);
  });
});

describe("commands", () => {
  const command = { type: "command", params: { argv: ["echo", "hello"] } };

  it("are not taken from callers of the API unless whoever started it allows them", async () => {
    const closed = await serveIn(box);
    const refused = await closed.ask("POST", "/v0/tasks", { body: command });
    expect(refused).toMatchObject({ status: 403, json: { code: "forbidden" } });
    expect((await closed.ask("GET", "/v0/tasks")).json).toEqual([]);
    const open = await serveIn(box, { args: ["--allow-commands"] });
    const { json } = await open.ask("POST", "/v0/tasks", { body: command });
    expect(await open.reaches(json.id, "completed")).toMatchObject({ type: "command" });
  });

  it("do not get the token", async () => {
    const token = "fedcba9876543210fedcba";
    const sidecar = await serveIn(box, {
      args: ["--allow-commands"],
      env: { WAYBILL_TOKEN: token },
      credentials: { authorization: `Bearer ${token}` },
    });
    const params = { argv: ["sh", "-c", "env; echo end"] };
    const { json } = await sidecar.ask("POST", "/v0/tasks", { body: { type: "command", params } });
    const { result } = await sidecar.reaches(json.id, "completed");
    const log = await box.cli(["runs", "logs", (result as { run_id: string }).run_id]);
    expect(log.stdout).toMatch(/WAYBILL_TASK_ID=.*end\n$/s);
    expect(log.stdout).not.toContain(token);
  });

  it("end with their task when it is removed while no engine executes it", async () => {
    const first = await serveIn(box, { args: ["--allow-commands", "--grace", "0s"] });
    const params = { argv: ["sleep", "600"] };
    const { json } = await first.ask("POST", "/v0/tasks", { body: { type: "command", params } });
    const runs = async (status: string): Promise<readonly { id: string }[]> => {
      const { stdout } = await box.cli(["runs", "list", "--status", status, "--json"]);
      return JSON.parse(stdout).data.runs;
    };
    const [run] = await until("its run", async () => {
      const found = await runs("running");
      return found.length > 0 && found;
    });
    await box.cli(["tasks", "pause", "command"]);
    await first.end("SIGTERM");
    expect(await runs("running")).toMatchObject([{ id: run?.id }]);
    const second = await serveIn(box, { args: ["--allow-commands"] });
    expect((await second.ask("DELETE", `/v0/tasks/${json.id}`)).status).toBe(204);
    await until("the run's end", async () => (await runs("interrupted")).some(({ id }) => id === run?.id));
  });
});

describe("a server", () => {
  it("that cannot have its port says so with a code, and leaves", async () => {
    const sidecar = await serveIn(box);
    const taken = await box.cli(["serve", "--port", new URL(sidecar.url).port, "--json"]);
    expect(taken.code).toBe(6);
    expect(JSON.parse(taken.stderr.trim().split("\n").at(-1) ?? "")).toMatchObject({
      error: { code: "address_unavailable" },
    });
  });

  it("cuts off headers over 32 KiB and whoever never ends theirs, and answers others meanwhile", async () => {
    const sidecar = await serveIn(box);
    const { port } = new URL(sidecar.url);
    const large = connect(Number(port), "127.0.0.1");
    large.write(`GET /v0/livez HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(40_000)}\r\n\r\n`);
    expect(String((await once(large, "data"))[0])).toMatch(/^HTTP\/1\.1 431/);
    const slow = connect(Number(port), "127.0.0.1");
    slow.write("GET /v0/livez HTTP/1.1\r\nHost: localhost\r\n");
    expect((await sidecar.ask("GET", "/v0/livez")).status).toBe(200);
    expect(String((await once(slow, "data"))[0])).toMatch(/^HTTP\/1\.1 408/);
    for (const socket of [large, slow]) socket.destroy();
  });
});
