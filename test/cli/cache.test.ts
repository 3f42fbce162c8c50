import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { OutputOf } from "../../src/index.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { until } from "../harness/until.js";

const MIB = 1024 * 1024;

const box = perTest(createSandbox);

const set = async (...args: string[]) => (await box.cli(["cache", "set", ...args])).code;
const get = async (...args: string[]) => {
  const { code, bytes } = await box.cli(["cache", "get", ...args]);
  return [code, bytes.toString()];
};
const list = (...args: string[]) => box.json<OutputOf<"cache.list">>(["cache", "list", ...args]);
const keys = async (...args: string[]) => (await list(...args)).entries.map((entry) => entry.key);

describe("cached values", () => {
  it("are set from an argument, a file or standard input, and written without adding a byte", async () => {
    writeFileSync(box.path("value"), "from a\nfile\n");
    await set("argument", "plain");
    await set("file", "--file", "value");
    await box.cli(["cache", "set", "input"], { input: "typed 🦀" });
    await box.cli(["cache", "set", "empty"], { input: "" });

    expect(await get("argument")).toEqual([0, "plain"]);
    expect(await get("file")).toEqual([0, "from a\nfile\n"]);
    expect(await get("input")).toEqual([0, "typed 🦀"]);
    expect(await get("empty")).toEqual([0, ""]);
  });

  it("go through every door byte for byte, also when they are no text", async () => {
    const value = randomBytes(90_000);
    writeFileSync(box.path("value"), value);
    await set("file", "--file", "value");
    await box.cli(["cache", "set", "input"], { input: value });
    await set("argument", value.toString("base64"), "--encoding", "base64");

    for (const key of ["file", "input", "argument"]) {
      const { bytes } = await box.cli(["cache", "get", key]);
      expect(bytes.equals(value), key).toBe(true);
      const told = await box.json<OutputOf<"cache.get">>(["cache", "get", key]);
      expect([told.encoding, Buffer.from(told.data ?? "", "base64").equals(value)]).toEqual(["base64", true]);
    }
    const told = await box.json<OutputOf<"cache.get">>(["cache", "get", "input", "--output", "copy"]);
    expect([told.data, told.path, told.size_bytes]).toEqual([null, box.path("copy"), value.length]);
    expect(readFileSync(box.path("copy")).equals(value)).toBe(true);
  });

  it("are told as text in JSON when they are text, a byte order mark included", async () => {
    await box.cli(["cache", "set", "k"], { input: "\ufeffa\0b\n" });

    const { data, encoding, size_bytes } = await box.json<OutputOf<"cache.get">>(["cache", "get", "k"]);
    expect([data, encoding, size_bytes]).toEqual(["\ufeffa\0b\n", "utf8", 7]);
  });

  it("may have 64 MiB and no byte more", async () => {
    const value = randomBytes(64 * MIB);
    const { code } = await box.cli(["cache", "set", "large"], { input: value });
    const { bytes } = await box.cli(["cache", "get", "large"]);

    expect([code, bytes.length, bytes.equals(value)]).toEqual([0, 64 * MIB, true]);
    writeFileSync(box.path("larger"), Buffer.alloc(64 * MIB + 1));
    expect(await set("larger", "--file", "larger")).toBe(2);
    expect(await keys()).toEqual(["large"]);
  });

  it("that are not there leave with 3 and print nothing", async () => {
    const { code, stdout, stderr } = await box.cli(["cache", "get", "nothing", "--output", "file"]);

    expect([code, stdout, existsSync(box.path("file"))]).toEqual([3, "", false]);
    expect(stderr).toContain('Nothing is cached as "nothing". (cache_miss)');
    expect((await box.cli(["cache", "rm", "nothing"])).code).toBe(0);
  });

  it("are gone once their time is over", async () => {
    await set("short", "v", "--ttl", "1ms");
    await set("long", "v", "--ttl", "1h");

    await until("the entry has expired", async () => (await get("short"))[0] === 3);
    expect(await get("long")).toEqual([0, "v"]);
    expect(await keys()).toEqual(["long"]);
  });

  it("are refused when there are two, when a file is not there, and when they are not what they are said to be", async () => {
    writeFileSync(box.path("value"), "v");
    const wrong = [
      ["k", "v", "--file", "value"],
      ["k", "--file", "nowhere"],
      ["k", "not base64!", "--encoding", "base64"],
      ["", "v"],
    ];

    for (const args of wrong) expect(await set(...args), args.join(" ")).toBe(2);
    await set("k", "v");
    mkdirSync(box.path("folder"));
    expect((await box.cli(["cache", "get", "k", "--output", "folder"])).code).toBe(2);
  });
});

describe("the cache", () => {
  it("evicts what was used least recently once it is full, and says how many", async () => {
    const env = { WAYBILL_CACHE_MAX: "25KiB" };
    const value = "x".repeat(10 * 1024);
    for (const key of ["a", "b"]) await box.cli(["cache", "set", key], { input: value, env });
    const { evicted } = await box.json<OutputOf<"cache.set">>(["cache", "set", "c"], { input: value, env });

    expect([evicted, await keys()]).toEqual([1, ["b", "c"]]);
    const { stderr, code } = await box.cli(["cache", "set", "d"], { input: "x".repeat(26 * 1024), env });
    expect([code, stderr]).toEqual([2, expect.stringContaining("the whole cache may have 25KiB")]);
    expect(await list()).toMatchObject({ size_bytes: 20 * 1024, max_bytes: 1024 * MIB });
  });

  it("stays within its size whoever writes", async () => {
    const env = { WAYBILL_CACHE_MAX: "50KiB" };
    const writers = Array.from({ length: 12 }, (_, at) =>
      box.cli(["cache", "set", `k${at}`], { input: randomBytes(9 * 1024), env }),
    );
    const codes = (await Promise.all(writers)).map(({ code }) => code);

    expect(new Set(codes)).toEqual(new Set([0]));
    expect((await list()).size_bytes).toBe(45 * 1024);
  });

  it("is cleared by prefix or whole, and leaves runs and variables alone", async () => {
    box.work("good", "exit 0");
    await box.cli(["run", "good"]);
    await box.cli(["vars", "set", "kept", "v"]);
    for (const key of ["a/1", "a/2", "b"]) await set(key, "v");

    expect((await box.cli(["cache", "clear", "--prefix", "a/"])).stdout).toBe("removed 2 entries\n");
    expect(await keys()).toEqual(["b"]);
    expect((await box.cli(["cache", "clear"])).stdout).toBe("removed 1 entry\n");
    const { rows } = await box.json<OutputOf<"store.info">>(["store", "info"]);
    expect(rows).toMatchObject({ runs: 1, variables: 1, cache_entries: 0 });
    expect((await box.cli(["vars", "get", "kept"])).stdout).toBe("v\n");
  });

  it("forgets the entries that are named, and says which were there", async () => {
    for (const key of ["a", "b", "c"]) await set(key, "v");

    const { removed } = await box.json<OutputOf<"cache.rm">>(["cache", "rm", "a", "nothing", "c"]);
    expect([removed, await keys()]).toEqual([["a", "c"], ["b"]]);
  });

  it("is listed with sizes and ages, in pages and by prefix", async () => {
    for (const key of ["a/1", "a/2", "b"]) await set(key, "12345");

    const first = await list("--limit", "2");
    expect([first.entries.map((entry) => [entry.key, entry.size_bytes]), first.next]).toEqual([
      [
        ["a/1", 5],
        ["a/2", 5],
      ],
      "a/2",
    ]);
    expect(await keys("--after", "a/2")).toEqual(["b"]);
    expect(await keys("--prefix", "a/")).toEqual(["a/1", "a/2"]);
    const { stdout } = await box.cli(["cache", "list"]);
    expect(stdout).toMatch(/^KEY +SIZE +AGE +USED +EXPIRES\na\/1 +5 B /);
    expect(stdout).toContain("15 B of 1.0 GiB used");
  });

  it("has a size that is a setting, with a unit", async () => {
    mkdirSync(box.home, { recursive: true });
    writeFileSync(`${box.home}/config.yaml`, "cache_max: 512MiB\n");
    const { settings } = await box.json<OutputOf<"config.show">>(["config", "show"]);

    expect(settings.find((setting) => setting.name === "WAYBILL_CACHE_MAX")).toMatchObject({
      value: "512MiB",
      origin: `config file ${box.home}/config.yaml`,
    });
    const { code, stderr } = await box.cli(["cache", "list"], { env: { WAYBILL_CACHE_MAX: "100" } });
    expect([code, stderr]).toEqual([2, expect.stringContaining('WAYBILL_CACHE_MAX is "100"')]);
  });
});
