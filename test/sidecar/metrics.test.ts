/** What a sidecar counts, read as a scraper reads it; and the page that lists it. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Metrics } from "../../src/observe/metrics.js";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { until } from "../harness/until.js";
import { type LiveSidecar, notesOf, serveTypes } from "./sidecar-process.js";

const box = perTest(createSandbox);

/** The samples by name and labels, as they are written. */
async function scrape(sidecar: LiveSidecar): Promise<ReadonlyMap<string, number>> {
  const { status, text, headers } = await sidecar.ask("GET", "/v0/metrics");
  expect([status, headers.get("content-type")]).toEqual([200, expect.stringMatching(/^text\/plain; version=0\.0\.4/)]);
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(samples.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]));
}

describe("metrics", () => {
  it("count submissions once however often they are repeated, durations by outcome, failures by class", async () => {
    const sidecar = await serveTypes(box);
    const id = await sidecar.submit("echo", {}, "9b2f0c52-0c7a-4a5e-8a5f-3f7cf3f0a002");
    await sidecar.reaches(id, "completed");
    await sidecar.submit("echo", {}, id);
    await sidecar.reaches(await sidecar.submit("fail"), "failed");
    const found = await scrape(sidecar);
    expect(found.get('waybill_task_submissions_total{type="echo"}')).toBe(1);
    expect(found.get('waybill_task_wait_seconds_count{type="echo"}')).toBe(1);
    expect(found.get('waybill_task_duration_seconds_count{type="echo",outcome="succeeded"}')).toBe(1);
    expect(found.get('waybill_task_duration_seconds_bucket{le="43200",type="fail",outcome="failed"}')).toBe(1);
    expect(found.get('waybill_task_failures_total{type="fail",class="task_failed"}')).toBe(1);
    expect(found.get('waybill_http_request_duration_seconds_count{method="POST",route="/v0/tasks",status="201"}')).toBe(
      3,
    );
  });

  it("show what runs here and what waits in the store, whoever put it there", async () => {
    const [one, other] = await Promise.all([
      serveTypes(box, ["--concurrency", "1"]),
      serveTypes(box, ["--concurrency", "1"]),
    ]);
    for (const _ of [1, 2, 3, 4]) await one.submit("hold");
    await until("both are busy", () => notesOf(box).length === 2);
    for (const sidecar of [one, other]) {
      const found = await scrape(sidecar);
      expect(found.get("waybill_tasks_running")).toBe(1);
      expect(found.get('waybill_tasks{type="hold",state="running"}')).toBeGreaterThanOrEqual(2);
      const live = ["queued", "running"].map((state) => found.get(`waybill_tasks{type="hold",state="${state}"}`) ?? 0);
      expect(live.reduce((sum, count) => sum + count)).toBe(4);
      expect(found.get("waybill_ready")).toBe(0);
    }
  });

  it("count the writes that came too late", async () => {
    const sidecar = await serveTypes(box);
    const id = await sidecar.submit("late");
    await until("it runs", () => notesOf(box).length === 1);
    await sidecar.ask("DELETE", `/v0/tasks/${id}`);
    await until("its write was refused", async () => (await scrape(sidecar)).get("waybill_stale_writes") === 1);
  });

  it("tell what was taken back from a dead sidecar", async () => {
    const first = await serveTypes(box);
    await first.submit("hold");
    await until("it runs", () => notesOf(box).length === 1);
    await first.end("SIGKILL");
    const second = await serveTypes(box);
    const name = 'waybill_tasks_taken_back_total{outcome="queued"}';
    await until("it was taken back", async () => (await scrape(second)).get(name) === 1);
    expect((await scrape(second)).get("waybill_task_quarantines_total")).toBe(0);
  });

  it("are listed on the page about sidecars, each with its help", async () => {
    const page = readFileSync(new URL("../../docs/sidecar.md", import.meta.url), "utf8");
    const listed = [...page.matchAll(/^\| `(waybill_\w+)` \| (.+) \|$/gm)].map(([, name, help]) => ({ name, help }));
    const own = (await new Metrics().described()).filter(({ name }) => name.startsWith("waybill_"));
    expect(listed).toEqual(own);
  });
});
