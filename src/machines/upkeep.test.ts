import { existsSync } from "node:fs";
import { mkdir, readdir, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { attemptDirName } from "../domain/machine.js";
import { begin, freshDir, removeDir, requestFor, treeOf } from "./conformance/machine-bench.js";
import { localMachine, onlyTools, STANDARD_PATH, shellsToTry } from "./local/local-fixture.js";
import { createLocalShell, type LocalShellOptions } from "./local/local-shell.js";
import type { Machine } from "./machine-port.js";
import { readStock, upkeepOver } from "./upkeep.js";

const LONG_AGO = new Date("2026-01-01T00:00:00Z");

let dir: string;
let work: string;
let machine: Machine;
beforeEach(async () => {
  dir = await freshDir();
  work = join(dir, "work dir");
  machine = localMachine(work, 2);
});
afterEach(() => removeDir(dir));

const age = (path: string) => utimes(join(work, path), LONG_AGO, LONG_AGO);
const runs = () => readdir(join(work, "runs"));

function upkeepFacts(options: LocalShellOptions): void {
  const upkeep = () => upkeepOver(createLocalShell(work, options), { name: "here" });
  const find = async (name: string) => (await upkeep().stock()).items.find((item) => item.name.includes(name));

  it("lists attempts with their size and age, and tells those that are going on", async () => {
    const over = await begin({ machine, dir }, "head -c 100000 /dev/zero > big");
    await machine.settled(over.request);
    const going = await begin({ machine, dir }, "while [ ! -e stop ]; do sleep 0.05; done");
    await age(`runs/${attemptDirName(over.request)}`);
    const { now, items } = await upkeep().stock();
    const ended = items.find((item) => item.name === attemptDirName(over.request));

    expect(Math.abs(now - Date.now())).toBeLessThan(60_000);
    expect(ended).toMatchObject({ kind: "run", state: "ended", lastUsedAt: LONG_AGO.getTime() });
    expect(ended?.bytes).toBeGreaterThan(100_000);
    expect(items.find((item) => item.name === attemptDirName(going.request))).toMatchObject({ state: "live" });
    await machine.cancel(going.request);
    await machine.settled(going.request);
  });

  it("removes what has ended, and not what is going on, even when it is told to", async () => {
    const over = await begin({ machine, dir }, "true");
    await machine.settled(over.request);
    const going = await begin({ machine, dir }, "while [ ! -e stop ]; do sleep 0.05; done");
    const { items } = await upkeep().stock();
    const gone = await upkeep().remove(items.filter((item) => item.kind === "run"));

    expect(gone.map((item) => item.name)).toEqual([attemptDirName(over.request)]);
    expect(await runs()).toEqual([attemptDirName(going.request)]);
    expect((await machine.status(going.request)).state).toBe("running");
    await machine.cancel(going.request);
    await machine.settled(going.request);
  });

  it("keeps what was used after it was listed", async () => {
    await mkdir(join(work, "runs/run-1.1"), { recursive: true });
    await age("runs/run-1.1");
    const { items } = await upkeep().stock();
    await writeFile(join(work, "runs/run-1.1/request"), "{}");

    expect(await upkeep().remove(items.filter((item) => item.kind === "run"))).toEqual([]);
    expect(await runs()).toEqual(["run-1.1"]);
  });

  it("knows when a tree was last of use, and removes it with its marker", async () => {
    const { request } = await begin({ machine, dir }, "true");
    await machine.settled(request);
    await age(`trees/${request.treeHash}`);
    const used = await find(request.treeHash);
    expect(used?.lastUsedAt ?? 0).toBeGreaterThan(LONG_AGO.getTime());
    await age(`trees/.used.${request.treeHash}`);
    const old = await find(request.treeHash);

    expect(old).toMatchObject({ kind: "tree", state: "ended", lastUsedAt: LONG_AGO.getTime() });
    expect(await upkeep().remove(old === undefined ? [] : [old])).toHaveLength(1);
    expect((await readdir(join(work, "trees"))).filter((name) => name.includes(request.treeHash))).toEqual([]);
    await machine.prepare(await treeOf(dir, "true"));
    expect(existsSync(join(work, "trees", request.treeHash))).toBe(true);
  });

  it("finds uploads that never arrived, and versions of the supervisor that nothing runs", async () => {
    await mkdir(join(work, "trees/.tmp.1.1.old/locked"), { recursive: true });
    await mkdir(join(work, "trees/.tmp.2.1.new"));
    await mkdir(join(work, "bin"), { recursive: true });
    await writeFile(join(work, "bin/supervisor-0123456789abcdef.sh"), "");
    await age("trees/.tmp.1.1.old");
    const { items } = await upkeep().stock();

    expect(items.filter((item) => item.kind === "upload").map((item) => [item.name, item.state])).toEqual([
      [".tmp.1.1.old", "waiting"],
      [".tmp.2.1.new", "live"],
    ]);
    const supervisors = items.filter((item) => item.kind === "supervisor");
    expect(supervisors.filter((item) => item.state === "ended").map((item) => item.name)).toEqual([
      "supervisor-0123456789abcdef.sh",
    ]);
    expect(supervisors).toHaveLength(2);
    await upkeep().remove(items.filter((item) => item.state !== "live"));
    expect(await readdir(join(work, "bin"))).toHaveLength(1);
    expect(await readdir(join(work, "trees"))).toEqual([".tmp.2.1.new"]);
  });

  it("keeps an attempt that was not claimed from beginning while it goes", async () => {
    const request = requestFor(await treeOf(dir, "true"));
    await mkdir(join(work, "runs", attemptDirName(request)), { recursive: true });
    expect(await find(request.runId)).toMatchObject({ state: "waiting" });
    const { items } = await upkeep().stock();

    expect(await upkeep().remove(items.filter((item) => item.kind === "run"))).toHaveLength(1);
    expect((await machine.status(request)).state).toBe("absent");
  });
}

for (const { name, shell, skip } of shellsToTry()) {
  const title = `upkeep under ${name}`;
  if (skip) describe.skip(title, () => it("is not tried", () => {}));
  else describe(title, () => upkeepFacts({ environment: { PATH: STANDARD_PATH }, shell }));
}

describe("upkeep", () => {
  it("tells times by perl where there is no stat", async () => {
    const tools = onlyTools(join(dir, "tools"), ["sh", "find", "perl", "readlink", "date", "uname", "mkdir", "ps"]);
    await mkdir(join(work, "runs/run-1.1"), { recursive: true });
    await age("runs/run-1.1");
    const { items } = await upkeepOver(createLocalShell(work, { environment: tools }), { name: "here" }).stock();

    expect(items.filter((item) => item.kind === "run")).toMatchObject([{ lastUsedAt: LONG_AGO.getTime(), bytes: 0 }]);
  });

  it("leaves alone what it cannot name safely, and what has no time", async () => {
    const said =
      "@ runs sizes\n4\t./a b\n4\t./run-1.1\n@ runs times\n1 ./a b\n@ trees times\n1 ./notes.txt\n@ bin times\n";

    expect(readStock(said, 10)).toEqual([]);
  });

  it("does not follow names out of its folders", async () => {
    await mkdir(join(work, "runs"), { recursive: true });
    await writeFile(join(dir, "precious"), "");
    const { mtimeMs } = await stat(join(dir, "precious"));
    const here = upkeepOver(createLocalShell(work, { environment: { PATH: STANDARD_PATH } }), { name: "here" });
    const lastUsedAt = Math.floor(mtimeMs / 1000) * 1000;
    const names = ["../../precious", "..", ".", "a b", "$(id)"];
    const items = names.map((name) => ({ kind: "run", name, state: "ended", bytes: 0, lastUsedAt }) as const);

    expect(await here.remove(items)).toEqual([]);
    expect(existsSync(join(dir, "precious"))).toBe(true);
    expect(existsSync(join(work, "runs"))).toBe(true);
  });
});
