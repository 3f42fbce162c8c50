/** `waybill work` when something is told to end, hangs, is stopped, or dies: real processes, real signals. */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { perTest } from "../harness/per-test.js";
import { isAlive } from "../harness/processes.js";
import { eventsOf } from "../harness/store-look.js";
import { until } from "../harness/until.js";
import { openYard } from "./worker-yard.js";

const yard = perTest(openYard);

/** Far beyond what any test takes: what happens before was not due to the lease's end. */
const LONG_LEASE = ["--lease", "15m"];

/** Tells its pid in a file named by its attempt, and stays. */
const STAYS = 'sleep 1000 & echo $$ >"pid-$WAYBILL_ATTEMPT"; wait';
const attemptsOf = (id: string) => yard.client.tasks.attempts(id);
const pidOf = async (attempt: number): Promise<number> => Number(await yard.said(`pid-${attempt}`));
const goneSoon = (pid: number): Promise<true> => until(`process ${pid} is gone`, () => !isAlive(pid));

describe("a command that is told to end", () => {
  it("by a cancel of its task has the grace, and its task is cancelled", async () => {
    const id = await yard.submit();
    yard.worker(`trap 'sleep 0.5; echo tidied; exit 0' TERM; ${STAYS}`, ["--grace", "40d"]);
    const pid = await pidOf(1);
    await yard.store.tasks.requestTaskCancel(id, "ann");
    expect(await yard.inState(id, "cancelled")).toMatchObject({ failure: { code: "cancelled" }, failures: 0 });
    expect(await yard.log(id)).toEqual(["tidied"]);
    await goneSoon(pid);
  });

  it("by its time limit and deaf to it is killed after the grace, and its attempt has timed out", async () => {
    const id = await yard.submit();
    yard.worker(`trap '' TERM; ${STAYS}`, ["--timeout", "2s", "--grace", "200ms", "--max-attempts", "1"]);
    expect(await yard.inState(id, "failed")).toMatchObject({ failure: { code: "timeout" } });
    expect(await attemptsOf(id)).toMatchObject([{ state: "timed_out" }]);
    expect(isAlive(await pidOf(1))).toBe(false);
  });

  it("and brings its work to an end all the same is believed", async () => {
    const id = await yard.submit({}, { timeoutMs: 2_000 });
    yard.worker(`trap 'echo "dispatch-result|success|just in time"; exit 0' TERM; ${STAYS}`);
    expect(await yard.inState(id, "completed")).toMatchObject({ result: { summary: "just in time" } });
  });

  it("because its task was removed ends, and nothing is refused", async () => {
    const id = await yard.submit();
    yard.worker(STAYS);
    const pid = await pidOf(1);
    await yard.store.tasks.removeTask(id);
    await goneSoon(pid);
    expect((await yard.store.info()).staleWritesRefused).toBe(0);
  });
});

describe("a worker that is told to end", () => {
  it("claims no more, waits for what runs, and leaves with 0", async () => {
    const [first, second] = [await yard.submit(), await yard.submit()];
    const worker = yard.worker("echo $$ >begun; until [ -e go ]; do sleep 0.05; done");
    await yard.said("begun");
    worker.kill("SIGTERM");
    await worker.says(/work\.stopping/);
    writeFileSync(yard.box.path("go"), "");
    const { code, stdout } = await worker.ended;
    expect([code, stdout]).toEqual([0, expect.stringContaining("1 attempt, 1 succeeded")]);
    expect((await yard.store.tasks.getTask(first))?.state).toBe("completed");
    expect(await yard.store.tasks.getTask(second)).toMatchObject({ state: "queued", attempt: 0 });
  });

  it("twice ends what runs and gives it back, which counts for nothing", async () => {
    const id = await yard.submit();
    const worker = yard.worker(STAYS);
    const pid = await pidOf(1);
    worker.kill("SIGTERM");
    await worker.says(/work\.stopping/);
    worker.kill("SIGTERM");
    expect((await worker.ended).code).toBe(0);
    expect(isAlive(pid)).toBe(false);
    expect(await yard.store.tasks.getTask(id)).toMatchObject({ state: "queued", failures: 0, crashes: 0 });
    expect(await attemptsOf(id)).toMatchObject([{ state: "cancelled", returned: "shutdown" }]);
  });
});

describe("a worker that is killed", () => {
  it("leaves no command behind, and its task is taken over at once, long before its lease is over", async () => {
    const id = await yard.submit();
    const first = yard.worker(STAYS, LONG_LEASE);
    const pid = await pidOf(1);
    const second = yard.worker(STAYS, LONG_LEASE);
    first.kill("SIGKILL");
    await pidOf(2);
    expect(isAlive(pid)).toBe(false);
    const failure = { message: expect.stringContaining(`Its worker, process ${first.pid} of `) };
    expect(await attemptsOf(id)).toMatchObject([{ state: "lost", failure }, { state: "running" }]);
    expect(await yard.store.tasks.getTask(id)).toMatchObject({ crashes: 1, failures: 0 });
    second.kill("SIGKILL");
  });

  it("has a command that is deaf killed after the grace, before anybody else begins", async () => {
    const id = await yard.submit();
    const first = yard.worker(`trap '' TERM; ${STAYS}`, [...LONG_LEASE, "--grace", "1s"]);
    const pid = await pidOf(1);
    // A zombie runs no more; not every container reaps them at once.
    const look = `case $(cut -d ' ' -f 3 /proc/${pid}/stat 2>/dev/null) in '' | Z | X) echo alone ;; *) echo both ;; esac >seen`;
    first.kill("SIGKILL");
    await yard.worker(look, ["--drain"]).ended;
    const other = yard.worker(look, LONG_LEASE);
    expect(await yard.said("seen")).toBe("alone");
    await yard.inState(id, "completed");
    other.kill("SIGTERM");
  });

  it("leaves no files of its attempts", async () => {
    await yard.submit();
    const worker = yard.worker(STAYS, LONG_LEASE);
    await pidOf(1);
    worker.kill("SIGKILL");
    await until("its directory is gone", () => readdirSync(`${yard.box.home}/workers`).length === 0);
  });
});

describe("a worker whose store is kept busy by somebody", () => {
  it("waits with its start for as long as that lasts", async () => {
    const id = await yard.submit();
    const database = new Database(join(yard.box.home, "waybill.db"));
    database.exec("BEGIN IMMEDIATE");
    const worker = yard.worker("exit 0");
    await worker.says(/work\.start_delayed/);
    database.exec("COMMIT");
    database.close();
    await yard.inState(id, "completed");
    worker.kill("SIGTERM");
    expect((await worker.ended).code).toBe(0);
  });

  it("leaves with the reason when it was to take what is there", async () => {
    const database = new Database(join(yard.box.home, "waybill.db"));
    database.exec("BEGIN IMMEDIATE");
    const { code, stderr } = await yard.worker("exit 0", ["--drain"]).ended;
    expect([code, stderr]).toEqual([5, expect.stringContaining("store_busy")]);
    database.exec("COMMIT");
    database.close();
  });
});

describe("a worker that cannot begin a command", () => {
  it("gives the task back uncounted, waits for what runs, and leaves with the reason", async () => {
    mkdirSync(yard.box.path("place"));
    const first = await yard.submit();
    const worker = yard.worker("echo $$ >../begun; until [ -e ../go ]; do sleep 0.05; done", [
      ...["--cwd", "place", "--concurrency", "2"],
    ]);
    await yard.said("begun");
    rmSync(yard.box.path("place"), { recursive: true });
    const second = await yard.submit();
    await worker.says(/work\.stopping/);
    writeFileSync(yard.box.path("go"), "");
    const { code, stderr } = await worker.ended;
    expect([code, stderr]).toEqual([6, expect.stringContaining("spawn_failed")]);
    expect((await yard.store.tasks.getTask(first))?.state).toBe("completed");
    expect(await yard.store.tasks.getTask(second)).toMatchObject({ state: "scheduled", failures: 0, crashes: 0 });
  });
});

describe("a worker whose warden is killed", () => {
  it("kills what runs, says what happened, and leaves with an error", async () => {
    const id = await yard.submit();
    const worker = yard.worker(`trap '' TERM; ${STAYS}`, [...LONG_LEASE, "--grace", "10m"]);
    const pid = await pidOf(1);
    const [owner] = await yard.store.workers.listWorkers();
    process.kill(owner?.lease.holder.pid ?? 0, "SIGKILL");
    const { code, stderr } = await worker.ended;
    expect([code, stderr]).toEqual([130, expect.stringContaining("warden")]);
    expect(isAlive(pid)).toBe(false);
    expect((await yard.store.tasks.getTask(id))?.state).toBe("queued");
  });
});

describe("a worker that is killed while its command is deaf, with a grace that is longer than its lease", () => {
  it("has its command killed within the lease, before anybody else executes the task", async () => {
    const id = await yard.submit();
    const deaf = 'trap "" TERM; echo $$ >"pid-$WAYBILL_ATTEMPT"; while [ ! -e go ]; do sleep 0.05; done';
    const first = yard.worker(deaf, ["--lease", "6s", "--grace", "10m"]);
    const pid = await pidOf(1);
    // A zombie runs nothing; some containers never reap them.
    const look = `case $(ps -o stat= -p "$(cat pid-1)") in "" | Z*) ;; *) echo beside >overlap ;; esac; ${deaf}`;
    yard.worker(look, ["--lease", "6s"]);
    first.kill("SIGKILL");
    await pidOf(2);
    expect([isAlive(pid), existsSync(yard.box.path("overlap"))]).toEqual([false, false]);
    writeFileSync(yard.box.path("go"), "");
    await yard.inState(id, "completed");
  });
});

describe("a worker that was stopped for longer than its lease", () => {
  it("changes nothing of a task that another has finished; its end is refused and counted, and its command ended", async () => {
    const id = await yard.submit();
    const script =
      '[ "$WAYBILL_ATTEMPT" = 2 ] || { echo $$ >"pid-1"; until [ -e go ]; do sleep 0.05; done; }; echo "dispatch-result|success|of $WAYBILL_ATTEMPT"';
    const first = yard.worker(script, ["--lease", "1s"]);
    const pid = await pidOf(1);
    first.kill("SIGSTOP");
    const second = yard.worker(script, ["--lease", "1s"]);
    await yard.inState(id, "completed");
    const before = await yard.store.tasks.getTask(id);
    first.kill("SIGCONT");
    await goneSoon(pid);
    await until("its end is refused", () => eventsOf(yard.box.home, "write.refused", id).length > 0);
    await until("its log says that it lost the task", () => /work\.ended .*said=null .*why="/.test(first.stderr()));
    expect(first.stderr()).not.toContain('said="success"');
    expect(await yard.store.tasks.getTask(id)).toEqual(before);
    expect(before?.result).toMatchObject({ summary: "of 2" });
    expect(await attemptsOf(id)).toMatchObject([{ state: "lost" }, { state: "succeeded" }]);
    expect((await yard.store.info()).staleWritesRefused).toBe(eventsOf(yard.box.home, "write.refused").length);

    // It goes on under a new lease.
    second.kill("SIGTERM");
    await second.ended;
    const next = await yard.submit();
    writeFileSync(yard.box.path("go"), "");
    await yard.inState(next, "completed");
  });
});

describe("a command that gives no sign of life for ten leases", () => {
  it("keeps its task as long as its worker lives, also while it is stopped", async () => {
    const id = await yard.submit();
    const lease = ["--lease", "300ms"];
    const first = yard.worker('echo $$ >"pid-1"; kill -STOP $$; echo done', lease);
    const pid = await pidOf(1);
    const others = [yard.worker("exit 1", lease), yard.worker("exit 1", lease)];
    const renewed = async () => (await yard.store.workers.listWorkers()).find(({ tasks }) => tasks.length > 0)?.lease;
    const from = (await renewed())?.expiresAt ?? 0;
    await until("ten leases have passed", async () => ((await renewed())?.expiresAt ?? 0) > from + 3_000);
    process.kill(pid, "SIGCONT");
    await yard.inState(id, "completed");
    expect(await attemptsOf(id)).toMatchObject([{ state: "succeeded", attempt: 1 }]);
    for (const worker of [first, ...others]) worker.kill("SIGTERM");
  });
});
