import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hashKeyFiles } from "./key-files.js";

let cwd: string;
const write = (path: string, content = path): void => {
  mkdirSync(dirname(join(cwd, path)), { recursive: true });
  writeFileSync(join(cwd, path), content);
};
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "waybill-keys-"));
  for (const path of ["a.ts", "A.TS", "b.js", "src/c.ts", "src/deep/d.ts", "src/.e.ts", ".git/f.ts", "we ird/[g].ts"]) {
    write(path);
  }
});
afterEach(() => rmSync(cwd, { recursive: true }));

const found = async (...globs: string[]): Promise<string[]> =>
  (await hashKeyFiles(cwd, globs)).map(({ path }) => path).sort();

describe("key files", () => {
  it.each<[string, string[]]>([
    ["a.ts", ["a.ts"]],
    ["./a.ts", ["a.ts"]],
    ["*.ts", ["a.ts"]],
    ["**/*.ts", ["a.ts", "src/.e.ts", "src/c.ts", "src/deep/d.ts", "we ird/[g].ts"]],
    ["src/*.ts", ["src/.e.ts", "src/c.ts"]],
    ["src", ["src/.e.ts", "src/c.ts", "src/deep/d.ts"]],
    ["src/", ["src/.e.ts", "src/c.ts", "src/deep/d.ts"]],
    ["src/d*", ["src/deep/d.ts"]],
    ["s?c/[cd].ts", ["src/c.ts"]],
    ["we ird/\\[g\\].ts", ["we ird/[g].ts"]],
    ["src/../b.js", ["b.js"]],
    [".", ["A.TS", "a.ts", "b.js", "src/.e.ts", "src/c.ts", "src/deep/d.ts", "we ird/[g].ts"]],
  ])("of %s are %j", async (glob, paths) => {
    expect(await found(glob)).toEqual(paths);
  });

  it("may be named by a path from the root", async () => {
    expect(await found(join(cwd, "src/*.ts"))).toEqual(["src/.e.ts", "src/c.ts"]);
  });

  it("are each taken once, with the SHA-256 of what is in them", async () => {
    const [only, ...others] = await hashKeyFiles(cwd, ["b.js", "*.js"]);
    expect([only, others]).toEqual([{ path: "b.js", hash: createHash("sha256").update("b.js").digest("hex") }, []]);
  });

  it("may be links to files; links to directories and to nowhere are left alone", async () => {
    symlinkSync("../a.ts", join(cwd, "src/link"));
    symlinkSync(".", join(cwd, "src/circle"));
    symlinkSync("nowhere", join(cwd, "src/broken"));
    const files = await hashKeyFiles(cwd, ["src/*"]);
    expect(files.map(({ path }) => path).sort()).toEqual(["src/.e.ts", "src/c.ts", "src/deep/d.ts", "src/link"]);
    expect(files.find(({ path }) => path === "src/link")?.hash).toBe(createHash("sha256").update("a.ts").digest("hex"));
  });

  it.each(["*.go", "nowhere", "..", "../x", "/"])("are refused for %s", async (glob) => {
    await expect(hashKeyFiles(cwd, [glob])).rejects.toMatchObject({ code: "invalid_input" });
  });

  it("are no longer looked for once that is not wanted", async () => {
    await expect(hashKeyFiles(cwd, ["src"], AbortSignal.abort())).rejects.toMatchObject({ name: "AbortError" });
  });
});
