import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Children, startChildren } from "../../../test/fixtures/store/child.js";
import { TOUCH_EVERY_MS } from "../../domain/cache.js";
import { drive, given } from "../conformance/given.js";
import { openSqliteStore } from "./open-sqlite-store.js";

let children: Children;
beforeAll(async () => {
  children = await startChildren();
});
afterAll(() => children.dispose());

const modeOf = (path: string): number => statSync(path).mode & 0o777;
const at = (name: string): string => join(children.directory, name);
const isRoot = process.getuid?.() === 0;
/** Root may write everywhere, so its tests look through the eyes of another user. */
const otherUser = isRoot ? { uid: 65_534 } : {};

/** A tmpfs needs root's rights, which an unprivileged user has in a namespace of its own where the kernel allows it. */
function canMount(): boolean {
  try {
    execFileSync("unshare", ["-Urm", "true"], { stdio: "ignore" });
    return true;
  } catch {
    // No unshare, or user namespaces are forbidden here.
    return false;
  }
}

describe("the store's file", () => {
  it("is private to its user, and so is the directory that was made for it", async () => {
    const path = at("state/waybill/private.db");
    const store = await openSqliteStore({ path });
    await drive(store);
    expect(modeOf(at("state/waybill"))).toBe(0o700);
    for (const suffix of ["", "-wal", "-shm"]) expect(modeOf(`${path}${suffix}`)).toBe(0o600);
    await store.close();
  });

  it("is durable by its settings", async () => {
    const store = await openSqliteStore({ path: at("durable.db") });
    expect((await store.info()).durability).toEqual({ journal_mode: "wal", synchronous: "full", foreign_keys: "on" });
    await store.close();
  });

  it("is left byte for byte as it was when it is not a database, or another program's, or a newer Waybill's", async () => {
    const foreign = new Database(at("foreign.db"));
    foreign.pragma("journal_mode = WAL");
    foreign.exec("CREATE TABLE notes (text)");
    foreign.close();
    await (await openSqliteStore({ path: at("newer.db") })).close();
    const newer = new Database(at("newer.db"));
    newer.pragma("user_version = 999");
    newer.close();
    writeFileSync(at("text.db"), "this is no database, but it is longer than a header. ".repeat(100));
    for (const [name, code] of [
      ["foreign.db", "store_corrupt"],
      ["newer.db", "store_newer"],
      ["text.db", "store_corrupt"],
    ] as const) {
      const before = readFileSync(at(name));
      await expect(openSqliteStore({ path: at(name) })).rejects.toMatchObject({ code, details: { path: at(name) } });
      expect(readFileSync(at(name)).equals(before)).toBe(true);
      expect(existsSync(`${at(name)}-wal`)).toBe(false);
    }
  });

  it("is left as it was even when a journal waits to be brought into it", async () => {
    await (await openSqliteStore({ path: at("journal.db") })).close();
    const newer = new Database(at("journal.db"));
    newer.pragma("user_version = 999");
    for (const suffix of ["", "-wal"]) writeFileSync(at(`copy.db${suffix}`), readFileSync(at(`journal.db${suffix}`)));
    newer.close();
    const before = ["", "-wal"].map((suffix) => readFileSync(at(`copy.db${suffix}`)));
    await expect(openSqliteStore({ path: at("copy.db") })).rejects.toMatchObject({ code: "store_newer" });
    expect(["", "-wal"].map((suffix) => readFileSync(at(`copy.db${suffix}`)))).toEqual(before);
  });

  it("is reported as corrupt, with what to do, when its pages are not whole", async () => {
    const path = at("torn.db");
    const store = await openSqliteStore({ path });
    for (let n = 0; n < 30; n += 1) await drive(store, { machine: `m${n}` });
    await store.close();
    const bytes = readFileSync(path);
    bytes.fill(0xff, 4_096);
    writeFileSync(path, bytes);
    await expect(openSqliteStore({ path })).rejects.toMatchObject({
      code: "store_corrupt",
      hint: expect.stringContaining("copy"),
    });
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  it("can be read by whoever may not write it, and says so when they try", async () => {
    const directory = at("shelf");
    mkdirSync(directory);
    const path = join(directory, "shelf.db");
    const longAgo = Date.now() - 2 * TOUCH_EVERY_MS;
    const store = await openSqliteStore({ path, clock: () => longAgo });
    await drive(store);
    await store.cache.setCacheValue({ key: "k", value: Uint8Array.of(0, 255), ttlMs: null, maxBytes: 10 });
    await store.close();
    rmSync(`${path}-queue`, { force: true });
    const before = readFileSync(path);
    chmodSync(path, 0o444);
    chmodSync(directory, 0o555);
    const reader = children.spawn(["look", path], otherUser);
    expect([await reader.ended(), reader.stderr()]).toEqual([0, ""]);
    expect(reader.said).toEqual([{ runs: 1, written: "store_unwritable", cached: [0, 255] }]);
    expect(readFileSync(path).equals(before)).toBe(true);
    chmodSync(directory, 0o755);
  });

  it("cannot be made where nobody may write, and the error says where", async () => {
    const directory = at("sealed");
    mkdirSync(directory);
    chmodSync(directory, 0o555);
    const opener = children.spawn(["open", join(directory, "new.db")], otherUser);
    expect(await opener.ended()).toBe(1);
    expect(opener.stderr()).toContain("store_unwritable");
    expect(opener.stderr()).toContain(join(directory, "new.db"));
    chmodSync(directory, 0o755);
  });

  it.skipIf(!canMount())("keeps what it acknowledged when the disk is full (needs `unshare -Urm`)", async () => {
    const mount = mkdtempSync(join(tmpdir(), "waybill-full-"));
    const [disk, kept] = [join(mount, "disk"), join(mount, "kept")];
    mkdirSync(disk);
    mkdirSync(kept);
    const script = `mount -t tmpfs -o size=2m tmpfs ${disk} && "$@"; code=$?; cp -a ${disk}/. ${kept}; exit $code`;
    const filler = children.spawn(["fill", join(disk, "full.db")], {
      prefix: ["unshare", "-Urm", "sh", "-c", script, "sh"],
    });
    expect([await filler.ended(), filler.stderr()]).toEqual([0, ""]);
    expect(filler.said.at(-1)).toEqual({ code: "store_full" });
    const acknowledged = filler.said.slice(0, -1) as string[];
    expect(acknowledged.length).toBeGreaterThan(10);
    const store = await openSqliteStore({ path: join(kept, "full.db") });
    expect((await store.runs.getRuns(acknowledged)).size).toBe(acknowledged.length);
    expect((await store.runs.prepareAtomic(given.dispatch(), () => given.run())).outcome).toBe("created");
    await store.close();
    const check = new Database(join(kept, "full.db"));
    expect(check.pragma("integrity_check", { simple: true })).toBe("ok");
    check.close();
    rmSync(mount, { recursive: true });
  });
});
