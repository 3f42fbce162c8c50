/** What is compared: the systems by name, what each needs, and whether that is here. */
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startPostgres, startRedis } from "./servers.mjs";

const here = fileURLToPath(new URL("./", import.meta.url));

/** `peer`: the package that is installed for it; `server`: what it is given as its place. */
export const SYSTEMS = {
  Waybill: { module: "waybill" },
  "raw loop": { module: "raw-loop" },
  "BullMQ, Redis always": { module: "bullmq", peer: "bullmq", server: "redis always" },
  "BullMQ, Redis everysec": { module: "bullmq", peer: "bullmq", server: "redis everysec" },
  "pg-boss": { module: "pg-boss", peer: "pg-boss", server: "postgres" },
  "graphile-worker": { module: "graphile-worker", peer: "graphile-worker", server: "postgres" },
  "graphile-worker, local queue of 500": {
    module: "graphile-worker",
    peer: "graphile-worker",
    server: "postgres",
    place: { localQueue: true },
  },
  plainjob: { module: "plainjob", peer: "plainjob" },
};

const SERVERS = {
  "redis always": (dir) => startRedis(join(dir, "redis-always"), "always"),
  "redis everysec": (dir) => startRedis(join(dir, "redis-everysec"), "everysec"),
  postgres: (dir) => startPostgres(join(dir, "postgres")),
};

/** Installs what `package-lock.json` names unless that is installed. @returns what went wrong, or null */
export function installPeers() {
  const [lock, installed] = ["package-lock.json", "node_modules/.package-lock.json"].map((file) => join(here, file));
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return null;
  // Not `npm ci`: it refuses where a registry does not serve the optional packages of every platform.
  const args = ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"];
  const { status, stderr } = spawnSync("npm", args, { cwd: here, encoding: "utf8" });
  return status === 0 ? null : `npm install in bench/tasks failed: ${stderr.trim().split("\n").at(-1)}`;
}

/** @returns each server's place or why it is missing, by its name, and how to stop all. */
export async function startServers(dir) {
  const started = {};
  for (const [name, start] of Object.entries(SERVERS)) {
    started[name] = await start(dir).catch((error) => ({ missing: error.message }));
  }
  const stop = () => Promise.all(Object.values(started).map((server) => server.stop?.()));
  return { started, stop };
}

/** Why a system cannot be measured here; null when it can. */
export function missingFor({ peer, server }, started, notInstalled) {
  if (peer !== undefined && !existsSync(join(here, "node_modules", peer))) {
    return notInstalled ?? `${peer} is not in bench/tasks/node_modules`;
  }
  return started[server]?.missing ?? null;
}

/** The versions that were measured. */
export function peerVersions() {
  const { status, stdout } = spawnSync("npm", ["ls", "--json", "--depth=0"], { cwd: here, encoding: "utf8" });
  if (status === null || stdout === "") return {};
  const { dependencies = {} } = JSON.parse(stdout);
  return Object.fromEntries(Object.entries(dependencies).map(([name, { version }]) => [name, version ?? "missing"]));
}
