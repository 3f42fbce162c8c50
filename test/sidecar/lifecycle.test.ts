/** How a sidecar ends: told to, told twice, or killed. No attempt is burnt, nothing acknowledged is lost. */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { until } from "../harness/until.js";
import { begun, notesOf, readToken, serveTypes } from "./sidecar-process.js";

const box = perTest(createSandbox);

const release = (): void => writeFileSync(box.path("release"), "");

describe("told to stop while tasks run, a sidecar", () => {
  it.each(["SIGTERM", "SIGINT"] as const)(
    "at %s lets them finish, records their ends and leaves with 0",
    async (signal) => {
      const sidecar = await serveTypes(box, ["--json"]);
      const id = await sidecar.submit("hold");
      await begun(box, 1);
      sidecar.live.kill(signal);
      await sidecar.live.says(/serve\.draining/);
      release();
      const ended = await sidecar.live.ended;
      expect(ended.code).toBe(0);
      expect(JSON.parse(ended.stdout)).toMatchObject({ ok: true, data: { succeeded: 1, failed: 0, hurried: false } });
      expect(await (await serveTypes(box)).show(id)).toMatchObject({ status: "completed", result: "held", attempt: 1 });
    },
  );

  it("gives back what has not finished in time, deaf or not, without counting it", async () => {
    const sidecar = await serveTypes(box, ["--grace", "0s"]);
    const ids = [await sidecar.submit("hold"), await sidecar.submit("deaf")];
    await begun(box, 2);
    expect(await sidecar.end("SIGTERM")).toMatchObject({ code: 0 });
    release();
    const next = await serveTypes(box);
    for (const id of ids) expect(await next.reaches(id, "completed")).toMatchObject({ run: 1, attempt: 2 });
    expect((await next.ask("GET", "/v0/metrics")).text).not.toContain("waybill_task_failures_total{");
  });

  it("accepts nothing more, and answers the request that is under way", async () => {
    const sidecar = await serveTypes(box);
    await sidecar.submit("hold");
    await begun(box, 1);
    const { port } = new URL(sidecar.url);
    const body = JSON.stringify({ type: "echo" });
    const socket = connect(Number(port), "127.0.0.1");
    const head = `POST /v0/tasks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${readToken(box)}`;
    socket.write(
      `${head}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`,
    );
    // The server has the head once it has answered a request that was sent after it.
    await sidecar.ask("GET", "/v0/livez");
    sidecar.live.kill("SIGTERM");
    await sidecar.live.says(/serve\.draining/);
    await until("it accepts nothing more", () =>
      fetch(`${sidecar.url}/v0/livez`).then(
        () => false,
        () => true,
      ),
    );
    const answered = once(socket, "data");
    socket.write(body.slice(5));
    const text = String((await answered)[0]);
    expect(text).toMatch(/^HTTP\/1\.1 201/);
    socket.destroy();
    release();
    expect(await sidecar.live.ended).toMatchObject({ code: 0 });
    const id = /"id":"([^"]+)"/.exec(text)?.[1] ?? "";
    await (await serveTypes(box)).reaches(id, "completed");
  });

  it("is hurried by a second signal, and leaves with 0 although a handler is deaf", async () => {
    const sidecar = await serveTypes(box, ["--grace", "1h", "--json"]);
    const id = await sidecar.submit("deaf");
    await begun(box, 1);
    sidecar.live.kill("SIGTERM");
    await sidecar.live.says(/serve\.draining/);
    sidecar.live.kill("SIGTERM");
    const ended = await sidecar.live.ended;
    expect(ended.code).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({ data: { hurried: true } });
    release();
    expect(await (await serveTypes(box)).reaches(id, "completed")).toMatchObject({ run: 1, attempt: 2 });
  });
});

describe("killed, a sidecar", () => {
  it("leaves nothing behind that the next one does not finish: what ran, what waited, what had ended", async () => {
    const first = await serveTypes(box, ["--concurrency", "2"]);
    const ended = await first.submit("echo", { answer: 7 });
    await first.reaches(ended, "completed");
    const running = [await first.submit("hold"), await first.submit("deaf")];
    await begun(box, 3);
    const waiting = await Promise.all(Array.from({ length: 20 }, (_, n) => first.submit("echo", { answer: n + 1 })));
    await first.end("SIGKILL");
    release();
    const second = await serveTypes(box);
    for (const id of running) expect(await second.reaches(id, "completed")).toMatchObject({ run: 1, attempt: 2 });
    for (const [n, id] of waiting.entries())
      expect(await second.reaches(id, "completed")).toMatchObject({ result: n + 1 });
    expect(await second.show(ended)).toMatchObject({ status: "completed", result: 7, attempt: 1 });
  });
});

describe("a sidecar that is started again", () => {
  it("knows what was submitted: an ended task is not executed again, a removed one stays unknown", async () => {
    const ids = [randomUUID(), randomUUID()] as const;
    const first = await serveTypes(box);
    for (const id of ids) await first.reaches(await first.submit("echo", { answer: 7 }, id), "completed");
    await first.ask("DELETE", `/v0/tasks/${ids[1]}`);
    await first.end("SIGTERM");
    const second = await serveTypes(box);
    expect(await second.submit("echo", { answer: 7 }, ids[0])).toBe(ids[0]);
    const other = { type: "echo", params: { answer: 8 }, id: ids[0] };
    expect((await second.ask("POST", "/v0/tasks", { body: other })).status).toBe(409);
    expect((await second.ask("GET", `/v0/tasks/${ids[1]}`)).status).toBe(404);
    expect(await second.show(ids[0])).toMatchObject({ status: "completed", run: 1, attempt: 1, result: 7 });
    expect(notesOf(box)).toHaveLength(2);
  });

  it("can remove a task that it took over from a dead one, and tells its handler", async () => {
    const first = await serveTypes(box);
    const id = await first.submit("hold");
    await begun(box, 1);
    await first.end("SIGKILL");
    const second = await serveTypes(box);
    await begun(box, 2);
    expect((await second.ask("DELETE", `/v0/tasks/${id}`)).status).toBe(204);
    await until("nothing runs", async () =>
      (await second.ask("GET", "/v0/metrics")).text.includes("waybill_tasks_running 0"),
    );
    expect((await second.ask("GET", "/v0/tasks")).text).toBe("[]");
    expect(notesOf(box).filter((note) => note.startsWith("end"))).toEqual([]);
  });

  it("executes others while a long one runs", async () => {
    const sidecar = await serveTypes(box);
    await sidecar.submit("deaf");
    await begun(box, 1);
    const ids = await Promise.all(Array.from({ length: 10 }, () => sidecar.submit("echo")));
    expect(new Set(ids).size).toBe(10);
    for (const id of ids) await sidecar.reaches(id, "completed");
  });
});

describe("two sidecars on one home", () => {
  it("execute each task once, whoever of them took it, and each shows what the other did", async () => {
    const [one, other] = await Promise.all([serveTypes(box), serveTypes(box)]);
    const ids = await Promise.all(
      Array.from({ length: 60 }, (_, n) => (n % 2 === 0 ? one : other).submit("echo", { answer: n + 1 })),
    );
    for (const [n, id] of ids.entries()) {
      const shown = await (n % 2 === 0 ? other : one).reaches(id, "completed");
      expect(shown).toMatchObject({ result: n + 1, attempt: 1 });
    }
    const begins = notesOf(box).map((note) => note.split(" ")[1]);
    expect([...begins].sort()).toEqual([...ids].sort());
  });

  it("finish what one of them was killed in the middle of, while both are in use", async () => {
    const [one, other] = await Promise.all([serveTypes(box), serveTypes(box)]);
    const ids = await Promise.all(Array.from({ length: 4 }, () => one.submit("hold")));
    await begun(box, 4);
    await one.end("SIGKILL");
    release();
    for (const id of ids) expect(await other.reaches(id, "completed")).toMatchObject({ run: 1 });
  });
});

describe("a promise that rejects while nobody waits for it", () => {
  it("ends a sidecar as by a crash, told in its log, and its tasks are taken back", async () => {
    const sidecar = await serveTypes(box);
    const id = await sidecar.submit("stray");
    await begun(box, 1);
    release();
    expect((await sidecar.live.ended).code).toBe(1);
    expect(sidecar.logged("serve.unhandled")).toMatchObject([
      {
        level: "warn",
        origin: "unhandledRejection",
        fault: expect.stringMatching(/^RangeError: nobody waits.*\n +at /),
      },
    ]);
    const bare = sidecar.live
      .stderr()
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("{"));
    expect(bare).toMatchObject([
      "waybill: A fault reached nobody: RangeError: nobody waits for this (internal)",
      expect.stringContaining("The event serve.unhandled has its stack."),
    ]);
    const next = await serveTypes(box);
    expect(await next.reaches(id, "completed")).toMatchObject({ result: "strayed", attempt: 2 });
  });
});
