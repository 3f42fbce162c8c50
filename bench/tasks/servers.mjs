/** Real servers for the peers that need one: each in a directory of its own, on a free port of loopback, ended by its pid. */
import { spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const READY_WITHIN_MS = 30_000;

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const answers = (port) =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });

/** Starts a server and waits until `isReady`. @returns how to stop it, once it has ended */
async function serve(command, args, options, isReady, stopSignal) {
  const child = spawn(command, args, { ...options, stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("close", resolve).once("error", resolve));
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const deadline = performance.now() + READY_WITHIN_MS;
  while (!(await isReady())) {
    if (child.exitCode !== null || performance.now() > deadline) throw new Error(`${command} did not become ready.`);
    await pause(50);
  }
  return async () => {
    child.kill(stopSignal);
    await ended;
    process.off("exit", kill);
  };
}

/** @param fsync `always` or `everysec`. Throws with what is missing. */
export async function startRedis(dir, fsync) {
  if (spawnSync("redis-server", ["--version"]).status !== 0) {
    throw new Error("redis-server is not on the PATH (Debian: apt-get install redis-server)");
  }
  mkdirSync(dir);
  const port = await freePort();
  const persistence = ["--save", "", "--appendonly", "yes", "--appendfsync", fsync];
  // What earlier measurements left is not compacted during later ones.
  persistence.push("--auto-aof-rewrite-percentage", "0");
  const args = ["--bind", "127.0.0.1", "--port", String(port), "--dir", dir, ...persistence];
  const stop = await serve("redis-server", args, {}, () => answers(port), "SIGTERM");
  return { place: { port }, stop };
}

const DEBIAN = "/usr/lib/postgresql";

/** Debian keeps the server's programs off the PATH, by version. */
function postgresPrograms() {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  const found = versions.map((version) => join(DEBIAN, version, "bin")).find((bin) => existsSync(join(bin, "initdb")));
  if (found !== undefined) return found;
  throw new Error(`PostgreSQL is not in ${DEBIAN} (Debian: apt-get install postgresql)`);
}

/** PostgreSQL refuses to run as root; root lends it the account that its package made. */
function account() {
  if (process.getuid() !== 0) return {};
  const id = (flag) => Number(spawnSync("id", [flag, "postgres"], { encoding: "utf8" }).stdout);
  const [uid, gid] = [id("-u"), id("-g")];
  if (!uid || !gid) throw new Error("PostgreSQL does not run as root, and there is no user postgres");
  return { uid, gid };
}

/** Starts PostgreSQL with its defaults, so that commits are synchronous. Throws with what is missing. */
export async function startPostgres(dir) {
  const programs = postgresPrograms();
  const user = account();
  mkdirSync(dir, { mode: 0o700 });
  if (user.uid) chownSync(dir, user.uid, user.gid);
  const options = { cwd: dir, ...user };
  const init = ["--pgdata", dir, "--username", "bench", "--auth", "trust", "--encoding", "UTF8", "--locale", "C"];
  const made = spawnSync(join(programs, "initdb"), init, { ...options, encoding: "utf8" });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const port = await freePort();
  const args = [
    "-D",
    dir,
    "-p",
    String(port),
    "-c",
    "listen_addresses=127.0.0.1",
    "-c",
    `unix_socket_directories=${dir}`,
  ];
  const ready = () =>
    spawnSync(join(programs, "pg_isready"), ["-h", "127.0.0.1", "-p", String(port), "-q"]).status === 0;
  const stop = await serve(join(programs, "postgres"), args, options, ready, "SIGINT");
  return { place: { url: `postgres://bench@127.0.0.1:${port}/postgres` }, stop };
}
