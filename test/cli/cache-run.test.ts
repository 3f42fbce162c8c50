import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";

const box = perTest(createSandbox);
beforeEach(() => {
  mkdirSync(box.path("src/deep"), { recursive: true });
  writeFileSync(box.path("src/a.ts"), "a");
  writeFileSync(box.path("src/deep/b.ts"), "b");
  writeFileSync(box.path("other"), "o");
  symlinkSync("../other", box.path("src/link.ts"));
  symlinkSync(".", box.path("src/circle"));
});

/** A command that counts how often it is executed, and prints bytes that are no text. */
const COMMAND = [
  "--",
  "sh",
  "-c",
  "echo x >> count; printf 'made \\377\\n'; echo left > \"$WAYBILL_ARTIFACTS_DIR/left\"",
];
const SOURCES = ["--key-files", "src/**/*.ts"];
const run = (...args: string[]) => box.cli(["cache", "run", ...args]);
const times = () => readFileSync(box.path("count"), "utf8").length / 2;

describe("`cache run`", () => {
  it("spares the command while its inputs are unchanged, and prints its log again, byte for byte", async () => {
    const first = await run(...SOURCES, ...COMMAND);
    const second = await run(...SOURCES, ...COMMAND);

    expect([first.code, second.code, times()]).toEqual([0, 0, 1]);
    expect(first.bytes.equals(Buffer.from("made \xff\n", "latin1"))).toBe(true);
    expect(second.bytes.equals(first.bytes)).toBe(true);
    expect(first.stderr).toBe("");
    const [, artifacts = ""] = /unchanged since run .*\nartifacts: (.+)\n/.exec(second.stderr) ?? [];
    expect(readFileSync(`${artifacts}/left`, "utf8")).toBe("left\n");
  });

  it("names the run in the entry, which can be cleared with all others of its kind", async () => {
    const first = await box.json<OutputOf<"cache.run">>(["cache", "run", ...SOURCES, ...COMMAND]);
    const second = await box.json<OutputOf<"cache.run">>(["cache", "run", ...SOURCES, ...COMMAND]);

    expect([first.hit, second.hit, second.key, second.run.id]).toEqual([false, true, first.key, first.run.id]);
    expect((await box.cli(["cache", "get", first.key])).stdout).toBe(first.run.id);
    await box.cli(["cache", "clear", "--prefix", "run/"]);
    await run(...SOURCES, ...COMMAND);
    expect(times()).toBe(2);
  });

  it.each<[string, () => void, readonly string[]]>([
    ["a content", () => writeFileSync(box.path("src/deep/b.ts"), "c"), []],
    ["a file more", () => writeFileSync(box.path("src/.hidden.ts"), ""), []],
    ["a file less", () => rmSync(box.path("src/a.ts")), []],
    ["what a link leads to", () => writeFileSync(box.path("other"), "changed"), []],
    ["a text", () => undefined, ["--key", "v20"]],
  ])("executes it again for %s", async (_what, change, more) => {
    await run(...SOURCES, ...COMMAND);
    change();
    await run(...SOURCES, ...more, ...COMMAND);

    expect(times()).toBe(2);
  });

  it("does not mind what no glob names, nor the order of the globs", async () => {
    await run("--key-files", "src", "other", ...COMMAND);
    writeFileSync(box.path("unrelated"), "u");
    mkdirSync(box.path("src/.git"));
    writeFileSync(box.path("src/.git/HEAD"), "h");
    await run("--key-files", "other", "--key-files", "./src/", ...COMMAND);

    expect(times()).toBe(1);
  });

  it("is shared by two checkouts of the same sources", async () => {
    cpSync(box.path("src"), box.path("checkout/src"), { recursive: true, verbatimSymlinks: true });
    writeFileSync(box.path("checkout/other"), "o");
    await run(...SOURCES, ...COMMAND);
    const there = await box.cli(["cache", "run", ...SOURCES, ...COMMAND], { cwd: box.path("checkout") });

    expect([there.code, existsSync(box.path("checkout/count"))]).toEqual([0, false]);
  });

  it("keeps what succeeded only", async () => {
    const failing = ["--", "sh", "-c", "echo x >> count; exit 7"];

    expect([(await run(...SOURCES, ...failing)).code, (await run(...SOURCES, ...failing)).code, times()]).toEqual([
      7, 7, 2,
    ]);
  });

  it("executes it again when the run or its log was removed, and when its time is over", async () => {
    const { run: made } = await box.json<OutputOf<"cache.run">>(["cache", "run", ...SOURCES, ...COMMAND]);
    rmSync(made.logs_path ?? "");
    const again = await box.json<OutputOf<"cache.run">>(["cache", "run", ...SOURCES, ...COMMAND]);
    await box.cli(["runs", "rm", again.run.id]);
    await run(...SOURCES, "--ttl", "0s", ...COMMAND);
    await run(...SOURCES, ...COMMAND);

    expect(times()).toBe(4);
  });

  it("leaves a command running when it is told to go, and does not take it for a success", async () => {
    const live = box.spawnCli([
      "cache",
      "run",
      ...SOURCES,
      "--",
      "sh",
      "-c",
      "echo started; until [ -e go ]; do sleep 0.05; done",
    ]);
    await live.says(/started/);
    live.kill("SIGTERM");
    const { code, stderr } = await live.ended;
    const [, id = ""] = /left running: `waybill runs attach (\S+)`/.exec(stderr) ?? [];
    writeFileSync(box.path("go"), "");

    expect([code, (await box.cli(["runs", "wait", id])).code]).toEqual([130, 0]);
    expect((await box.json<OutputOf<"cache.list">>(["cache", "list"])).entries).toEqual([]);
  });

  it("gives the command nothing on standard input, which is no part of the key", async () => {
    const { stdout } = await box.cli(["cache", "run", ...SOURCES, "--", "wc", "-c"], { input: "not seen" });

    expect(stdout.trim()).toBe("0");
  });

  it.each([
    ["a glob that names nothing", ["src/*.js"], '"src/*.js" names no file.'],
    ["a glob that leads out", ["../*"], '"../*" leads out of the working directory'],
  ])("refuses %s before anything is executed", async (_what, globs, message) => {
    const { code, stderr } = await run("--key-files", ...globs, "--", "true");

    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    expect((await box.json<OutputOf<"runs.list">>(["runs", "list"])).runs).toEqual([]);
  });
});
