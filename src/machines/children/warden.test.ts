import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { until } from "../conformance/machine-bench.js";
import { identityOf, livenessOf } from "../process-identity.js";
import { type Nursery, openNursery, testEnvironment } from "./children-fixture.js";

let nursery: Nursery;
beforeEach(async () => {
  nursery = await openNursery(2_000);
});
afterEach(() => nursery.dispose());

const lives = (pid: number): boolean => {
  const identity = identityOf(pid);
  return identity !== null && livenessOf(identity) === "alive";
};

const contentOf = (name: string): Promise<string> =>
  until(`${name} is written`, () => {
    const path = join(nursery.dir, name);
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    return text.endsWith("\n") && text.trim();
  });

describe("a warden", () => {
  it("is a process of this host that can be told from others", () => {
    expect(nursery.warden.identity.pid).not.toBe(process.pid);
    expect(livenessOf(nursery.warden.identity)).toBe("alive");
  });

  it("ends what is in its care when it is dismissed, removes the directory, and is gone", async () => {
    const child = await nursery.start("sleep 1000 & echo ready >begun; wait");
    await contentOf("begun");
    await nursery.warden.dismiss();
    expect((await child.ended).signal).toBe("SIGTERM");
    expect(nursery.warden.gone.aborted).toBe(true);
    expect(livenessOf(nursery.warden.identity)).toBe("dead");
    expect(existsSync(join(nursery.dir, "worker"))).toBe(false);
  });

  it("kills what is deaf after the grace", async () => {
    const child = await nursery.start("trap '' TERM; echo ready >begun; while :; do sleep 1; done");
    await contentOf("begun");
    await nursery.warden.dismiss();
    expect((await child.ended).signal).toBe("SIGKILL");
  });

  it("continues what is stopped, so that it hears what it is told", async () => {
    const child = await nursery.start(
      "trap 'echo heard >heard; exit 0' TERM; echo ready >begun; while :; do sleep 0.05; done",
    );
    await contentOf("begun");
    process.kill(-child.pid, "SIGSTOP");
    await nursery.warden.dismiss();
    expect(await contentOf("heard")).toBe("heard");
  });

  it("leaves alone what has left its care", async () => {
    const bystander = spawn("/bin/sh", ["-c", "sleep 1000"], { detached: true, stdio: "ignore" });
    await once(bystander, "spawn");
    const pid = bystander.pid ?? 0;
    for (const group of [pid, pid + 1, pid]) await nursery.warden.add(group);
    nursery.warden.remove(pid + 1);
    nursery.warden.remove(pid);
    nursery.warden.remove(pid);
    await nursery.warden.dismiss();
    expect(lives(pid)).toBe(true);
    process.kill(-pid, "SIGKILL");
  });

  it("ignores signals that a terminal sends", async () => {
    const { pid } = nursery.warden.identity;
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.kill(pid, signal);
    const child = await nursery.start("exit 4");
    expect((await child.ended).code).toBe(4);
    expect(lives(pid)).toBe(true);
  });

  it("that is killed is told of, and takes no more into its care", async () => {
    process.kill(nursery.warden.identity.pid, "SIGKILL");
    await once(nursery.warden.gone, "abort");
    await expect(nursery.start("echo began >began")).rejects.toMatchObject({ code: "lost" });
    expect(existsSync(join(nursery.dir, "began"))).toBe(false);
  });
});

/** A worker in short: it has a warden over its pipe, and a child that has a child. */
const WORKER = `
  const { spawn } = require("node:child_process");
  const [script, directory] = process.argv.slice(1);
  const warden = spawn("/bin/sh", [script, "2000", directory], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  const child = spawn("/bin/sh", ["-c", "sh -c 'sleep 1000 & sleep 1000' & wait"], { detached: true, stdio: "ignore" });
  warden.stdin.write("add " + child.pid + "\\n", () => console.log(warden.pid, child.pid));`;

describe("a worker that is killed", () => {
  it("has its children ended before its warden is gone", async () => {
    const directory = join(nursery.dir, "killed");
    mkdirSync(directory);
    const script = fileURLToPath(new URL("./warden.sh", import.meta.url));
    const worker = spawn(process.execPath, ["-e", WORKER, script, directory], { env: testEnvironment });
    const [said] = (await once(worker.stdout, "data")) as [Buffer];
    const [warden = 0, child = 0] = String(said).split(" ").map(Number);
    worker.kill("SIGKILL");
    await until("the warden is gone", () => !lives(warden));
    expect(lives(child)).toBe(false);
    expect(existsSync(directory)).toBe(false);
  });
});
