import { appendFile, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseManifest } from "../artifacts/artifact-manifest.js";
import { type Bench, freshDir, removeDir, runToEnd, until } from "../conformance/machine-bench.js";
import { localMachine } from "./local-fixture.js";
import { runDirectory } from "./run-directory.js";

let dir = "";
let bench: Bench;
let destinations = 0;
beforeAll(async () => {
  dir = await freshDir();
  bench = { machine: localMachine(join(dir, "machine"), 2), dir };
});
afterAll(() => removeDir(dir));

const INTO = 'cd "$WAYBILL_ARTIFACTS_DIR"; ';

function destination(): string {
  destinations += 1;
  return join(dir, `to-${destinations}`);
}

async function collected(script: string) {
  const { request } = await runToEnd(bench, INTO + script);
  const to = destination();
  return { request, to, got: await bench.machine.collect(request, to) };
}

async function refused(script: string, meddle: (artifacts: string) => Promise<void> = async () => {}) {
  const { request } = await runToEnd(bench, INTO + script);
  await meddle(runDirectory(bench.machine.spec.workDir, request).artifacts);
  const to = destination();
  const error: unknown = await bench.machine.collect(request, to).catch((caught: unknown) => caught);
  expect((await readdir(to)).filter((name) => name !== "log.times")).toEqual(["log"]);
  return error;
}

describe("collecting artifacts", { timeout: 60_000 }, () => {
  it("brings names with spaces, newlines, backslashes and bytes that are not UTF-8", async () => {
    const script =
      "printf 1 > 'a b'; printf 2 > 'new\nline'; printf 3 > 'back\\slash'; printf 4 > \"$(printf 'raw\\377')\"";
    const { to, got } = await collected(script);
    expect(got).toMatchObject({ files: 4, bytes: 4 });
    const names = await readdir(join(to, "artifacts"), { encoding: "buffer" });
    expect(names.map((name) => name.toString("latin1")).sort()).toEqual(["a b", "back\\slash", "new\nline", "raw\xff"]);
  });

  it("brings 100 MB and an empty file", async () => {
    const { to, got } = await collected("head -c 104857600 /dev/zero > big; true > none");
    expect(got).toMatchObject({ files: 2, bytes: 104_857_600 });
    expect((await stat(join(to, "artifacts", "big"))).size).toBe(104_857_600);
  });

  it("keeps the list of hashes beside them", async () => {
    const { to } = await collected("printf abc > x");
    const hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    expect(await readFile(join(to, "artifacts.manifest"), "latin1")).toBe(`${hash}  ./x\n`);
  });

  it("refuses a link that leaves the folder, naming it", async () => {
    expect(await refused("echo 1 > ok; ln -s /etc/passwd out")).toMatchObject({
      code: "artifact_failed",
      details: { path: "out" },
    });
    expect(await refused("echo 1 > ok; mkdir d; ln -s ../../log d/up")).toMatchObject({ details: { path: "d/up" } });
  });

  it("refuses a pipe, naming it", async () => {
    expect(await refused("echo 1 > ok; mkfifo pipe")).toMatchObject({
      code: "artifact_failed",
      details: { path: "pipe" },
    });
  });

  it("refuses a file that changed, appeared or vanished after the run had ended", async () => {
    const flipped = await refused("echo 1 > a; echo 2 > b", (artifacts) => writeFile(join(artifacts, "b"), "3\n"));
    expect(flipped).toMatchObject({ code: "artifact_failed", details: { path: "b" } });
    const added = await refused("echo 1 > a", (artifacts) => writeFile(join(artifacts, "new"), ""));
    expect(added).toMatchObject({ code: "artifact_failed", details: { path: "new" } });
    const late = await refused("true", (artifacts) => writeFile(join(artifacts, "late"), ""));
    expect(late).toMatchObject({ code: "artifact_failed", details: { path: "late" } });
    const gone = await refused("echo 1 > a; echo 2 > b", async (artifacts) => {
      await rm(join(artifacts, "a"));
    });
    expect(gone).toMatchObject({ code: "artifact_failed", details: { path: "a" } });
  });

  it("refuses a list of hashes that is not the one of the exit record", async () => {
    const error = await refused("echo 1 > a", (artifacts) => appendFile(`${artifacts}.manifest`, "\n"));
    expect(error).toMatchObject({ code: "artifact_failed", details: { path: "artifacts.manifest" } });
  });

  it("refuses an artifacts folder that was replaced by a link", async () => {
    const error = await refused('cd ..; rmdir artifacts; ln -s work "$WAYBILL_ARTIFACTS_DIR"; true');
    expect(error).toMatchObject({ code: "artifact_failed", details: { path: "artifacts" } });
  });
});

const ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

describe("collecting artifacts that the machine could not seal", { timeout: 60_000 }, () => {
  /** What a machine holds of an attempt whose supervisor died before it could write a word of the end. */
  async function lost(script: string) {
    const { request } = await runToEnd(bench, INTO + script);
    const run = runDirectory(bench.machine.spec.workDir, request);
    await rm(run.exit);
    await rm(run.manifest, { force: true });
    await until("it is lost", async () => (await bench.machine.status(request)).state === "lost");
    return { request, run, to: destination() };
  }

  it("brings those of a lost attempt with hashes taken here, also again once the machine has forgotten", async () => {
    const { request, to } = await lost(
      "printf abc > x; printf abc > 'back\\slash'; printf abc > 'new\nline'; echo said",
    );
    const got = await bench.machine.collect(request, to);
    expect(got).toMatchObject({ artifactsPath: join(to, "artifacts"), files: 3, bytes: 9 });
    const manifest = parseManifest(await readFile(join(to, "artifacts.manifest")));
    expect([...(manifest ?? [])]).toEqual([
      ["back\\slash", ABC],
      ["new\nline", ABC],
      ["x", ABC],
    ]);
    await bench.machine.forget(request);
    expect(await bench.machine.collect(request, to)).toEqual(got);
    expect(await readFile(join(to, "artifacts", "x"), "utf8")).toBe("abc");
    expect(await readFile(join(to, "log"), "utf8")).toBe("said\n");
  });

  it("brings those beside an exit record that is a link", async () => {
    const { request, run, to } = await lost("printf abc > x");
    await symlink(`0|exited|7|${Date.now()}`, run.exit);
    expect(await bench.machine.status(request)).toMatchObject({ state: "exit", exit: { code: 0 } });
    expect(await bench.machine.collect(request, to)).toMatchObject({ files: 1, bytes: 3 });
    expect(await readFile(join(to, "artifacts.manifest"), "latin1")).toBe(`${ABC}  ./x\n`);
  });

  it("refuses those of a lost attempt with a link that leaves the folder", async () => {
    const { request, to } = await lost("echo 1 > ok; ln -s /etc/passwd out");
    await expect(bench.machine.collect(request, to)).rejects.toMatchObject({
      code: "artifact_failed",
      details: { path: "out" },
    });
    expect((await readdir(to)).filter((name) => name !== "log.times")).toEqual(["log"]);
  });

  it("brings none of an attempt that left none", async () => {
    const { request, run, to } = await lost("true");
    await mkdir(run.artifacts, { recursive: true });
    expect(await bench.machine.collect(request, to)).toMatchObject({ artifactsPath: null, files: 0 });
  });
});
