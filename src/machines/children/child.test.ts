import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../conformance/machine-bench.js";
import { identityOf, livenessOf } from "../process-identity.js";
import { type Nursery, openNursery } from "./children-fixture.js";
import { groupLives, signalGroup } from "./process-group.js";

let nursery: Nursery;
beforeAll(async () => {
  nursery = await openNursery();
});
afterAll(() => nursery.dispose());

/** The pid that a program wrote to a file, once all of it is there. */
const pidIn = (name: string): Promise<number> =>
  until(`a pid is in ${name}`, () => {
    try {
      const text = readFileSync(join(nursery.dir, name), "utf8");
      return text.endsWith("\n") && Number(text);
    } catch {
      // It has not been written yet.
      return null;
    }
  });

const isGone = (pid: number): boolean => {
  const identity = identityOf(pid);
  return identity === null || livenessOf(identity) === "dead";
};

describe("a child", () => {
  it("has the file as its input, the directory, the environment, and its output apart", async () => {
    const heard: Record<string, string> = { stdout: "", stderr: "" };
    const child = await nursery.start('cat; pwd; echo "$WORD"; echo bad >&2; exit 7', {
      environment: { PATH: process.env.PATH, WORD: "it's \n two" },
      onOutput: (stream, bytes) => {
        heard[stream] += String(bytes);
      },
    });
    expect(await child.ended).toEqual({ code: 7, signal: null });
    expect(heard).toEqual({ stdout: `input\n${nursery.dir}\nit's \n two\n`, stderr: "bad\n" });
    expect(child.stopped()).toBe(false);
  });

  it("can open its streams again by their names", async () => {
    const heard: string[] = [];
    const child = await nursery.start("cat /dev/stdin >/dev/stdout; echo bad >/dev/stderr", {
      onOutput: (stream, bytes) => heard.push(`${stream} ${bytes}`),
    });
    expect((await child.ended).code).toBe(0);
    expect(heard.sort()).toEqual(["stderr bad\n", "stdout input\n"]);
  });

  it("gets its arguments as they are", async () => {
    const words = ["", "a b", "$(id)", "-n", "new\nline", "'", "*"];
    const path = join(nursery.dir, "words");
    const child = await nursery.start("", {
      command: ["/bin/sh", "-c", `printf '%s\\0' "$@" >'${path}'`, "sh", ...words],
    });
    await child.ended;
    expect(readFileSync(path, "utf8")).toBe(words.map((word) => `${word}\0`).join(""));
  });

  it("leads a process group of its own", async () => {
    const child = await nursery.start("ps -o pgid= -p $$ >group; sleep 1000");
    expect(await pidIn("group")).toBe(child.pid);
    child.stop(5_000);
    expect(await child.ended).toEqual({ code: null, signal: "SIGTERM" });
    expect(child.stopped()).toBe(true);
  });

  it("that is killed by somebody tells the signal, and that it was not stopped", async () => {
    const child = await nursery.start("kill -KILL $$");
    expect(await child.ended).toEqual({ code: null, signal: "SIGKILL" });
    expect(child.stopped()).toBe(false);
  });

  it("that ignores TERM is killed after the grace, its children with it", async () => {
    const child = await nursery.start("trap '' TERM; sh -c 'echo $$ >deaf; while :; do sleep 1; done'; :");
    const grandchild = await pidIn("deaf");
    child.stop(200);
    expect(await child.ended).toEqual({ code: null, signal: "SIGKILL" });
    expect(isGone(grandchild)).toBe(true);
  });

  it("that was given weeks has more than a moment", async () => {
    const child = await nursery.start("trap 'sleep 0.5; exit 7' TERM; echo $$ >weeks; while :; do sleep 0.1; done");
    await pidIn("weeks");
    child.stop(40 * 24 * 60 * 60_000);
    expect(await child.ended).toEqual({ code: 7, signal: null });
  });

  it("that was given a grace is killed at once when there is no time left", async () => {
    const child = await nursery.start("trap '' TERM; echo $$ >slow; while :; do sleep 0.1; done");
    await pidIn("slow");
    child.stop(600_000);
    child.stop(0);
    expect(await child.ended).toEqual({ code: null, signal: "SIGKILL" });
  });

  it("whose leader ends at once lets the others have the grace", async () => {
    const script = `sh -c 'trap "sleep 1.5; echo \\$\\$ >tidied; exit" TERM; echo $$ >tidy; while :; do sleep 0.1; done' & wait`;
    const child = await nursery.start(script);
    const grandchild = await pidIn("tidy");
    child.stop(60_000);
    await child.ended;
    expect(await pidIn("tidied")).toBe(grandchild);
  });

  it("leaves nothing of its group running, whatever it started", async () => {
    // Not before the other is deaf, which would take the TERM that follows.
    const deaf = "sh -c 'trap \"\" TERM; echo $$ >left; while :; do sleep 1; done'";
    const child = await nursery.start(`${deaf} & until [ -s left ]; do sleep 0.05; done; exit 0`);
    const grandchild = await pidIn("left");
    expect(await child.ended).toEqual({ code: 0, signal: null });
    expect(isGone(grandchild)).toBe(true);
    expect(groupLives(child.pid)).toBe(false);
  });

  it("that closes its output and goes on is waited for", async () => {
    const child = await nursery.start("exec >&- 2>&-; echo $$ >quiet; while [ ! -e go ]; do sleep 0.05; done; exit 3");
    await pidIn("quiet");
    let over = false;
    void child.ended.then(() => {
      over = true;
    });
    expect(over).toBe(false);
    writeFileSync(join(nursery.dir, "go"), "");
    expect(await child.ended).toEqual({ code: 3, signal: null });
  });

  it("that is stopped by a signal is continued to hear that it should end", async () => {
    const child = await nursery.start("trap 'exit 5' TERM; echo $$ >held; while :; do sleep 0.05; done");
    await pidIn("held");
    signalGroup(child.pid, "SIGSTOP");
    child.stop(60_000);
    expect(await child.ended).toEqual({ code: 5, signal: null });
  });

  it("is over although a process outside its group holds its output open", async () => {
    const child = await nursery.start(
      "setsid sh -c 'echo $$ >daemon; exec sleep 1000' & until [ -s daemon ]; do :; done",
    );
    expect(await child.ended).toEqual({ code: 0, signal: null });
    const daemon = await pidIn("daemon");
    expect(isGone(daemon)).toBe(false);
    process.kill(daemon, "SIGKILL");
  });

  it("writes 100 MB without a byte lost", async () => {
    let bytes = 0;
    const child = await nursery.start("head -c 104857600 /dev/zero", {
      onOutput: (_stream, chunk) => {
        bytes += chunk.length;
      },
    });
    await child.ended;
    expect(bytes).toBe(104_857_600);
  });

  it("is not started in a directory that is not there", async () => {
    await expect(nursery.start("true", { cwd: join(nursery.dir, "none") })).rejects.toMatchObject({
      code: "spawn_failed",
    });
  });

  it("is not started with more arguments than the system takes", async () => {
    const words = Array.from({ length: 40 }, () => "x".repeat(100_000));
    await expect(nursery.start("", { command: ["true", ...words] })).rejects.toMatchObject({ code: "spawn_failed" });
  });

  it("ends as a shell would have it when its program is not there", async () => {
    let said = "";
    const onOutput = (_stream: string, bytes: Buffer): void => {
      said += String(bytes);
    };
    const child = await nursery.start("", { command: ["no-such-program"], onOutput });
    expect(await child.ended).toEqual({ code: 127, signal: null });
    expect(said).toContain("no-such-program");
  });
});
