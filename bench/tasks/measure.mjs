/**
 * One measurement of one system, in a process of its own so that no heap, cache or warm code is shared:
 * `measure.mjs WHAT`, where WHAT is JSON `{ module, place, dir, name, what, jobs, concurrency, capMs }`. Prints JSON.
 *
 * What takes longer than `capMs` is ended after it, and its figure is that of the jobs so far.
 */
import { setTimeout as pause } from "node:timers/promises";

const wanted = JSON.parse(process.argv[2]);
/** 100 bytes of JSON. */
const payload = { data: "x".repeat(89) };
const payloads = (count) => Array.from({ length: count }, () => payload);
const TOGETHER = 1_000;
/** Long enough for an engine to find that there is nothing more to do, too short for any polling to matter. */
const IDLE_MS = 5;

/** @param work answers with how many jobs it did. */
async function rateOf(work) {
  const cpu = process.cpuUsage();
  const started = performance.now();
  const jobs = await work(started + wanted.capMs);
  const ms = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  const peakMb = process.resourceUsage().maxRSS / 1024;
  return { perSecond: jobs / (ms / 1_000), cpuMicros: (user + system) / jobs, peakMb, jobs };
}

const submitOneByOne = (queue) =>
  rateOf(async (deadline) => {
    let done = 0;
    for (; done < wanted.jobs && performance.now() < deadline; done += 1) await queue.submit(payload);
    return done;
  });

const submitTogether = (queue) => {
  const together = queue.submitTogether ?? ((all) => Promise.all(all.map((one) => queue.submit(one))));
  return rateOf(async (deadline) => {
    let done = 0;
    for (; done < wanted.jobs && performance.now() < deadline; done += TOGETHER) await together(payloads(TOGETHER));
    return done;
  });
};

const submitMany = (queue) => {
  const all = payloads(wanted.jobs);
  return rateOf(async () => {
    await queue.submitMany(all);
    return wanted.jobs;
  });
};

/** From the start of the first handler, since how long an engine needs to get ready is another matter. */
async function drain(queue, events) {
  let done = 0;
  let deadline = Number.POSITIVE_INFINITY;
  const over = new Promise((resolve) => {
    events.onDone = () => {
      done += 1;
      // Not by a timer: some of these engines never let one fire while there is work.
      if (done === wanted.jobs || performance.now() > deadline) resolve();
    };
  });
  let rate = null;
  events.onStart = () => {
    rate ??= rateOf(async (until) => {
      deadline = until;
      await over;
      if (done === wanted.jobs) await queue.settled?.();
      return done;
    });
  };
  await queue.work();
  await over;
  const result = await rate;
  await queue.stop();
  return result;
}

/** From before a submission until its handler starts, in one process, with nothing else to do. */
async function idleLatency(queue, events) {
  const waits = [];
  await queue.work();
  const deadline = performance.now() + wanted.capMs;
  // At least one after the warm-up, however long an engine sleeps.
  for (let n = 0; n < 2 || (n < wanted.jobs && performance.now() < deadline); n += 1) {
    const started = new Promise((resolve) => {
      events.onStart = () => resolve(performance.now());
    });
    const before = performance.now();
    await queue.submit(payload);
    waits.push((await started) - before);
    await pause(IDLE_MS);
  }
  await queue.stop();
  // The first is warm-up.
  const sorted = waits.slice(1).sort((a, b) => a - b);
  const at = (q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
  return { p50Ms: at(0.5), p99Ms: at(0.99), samples: sorted.length };
}

/** What a thousand submissions and a drain cost while so many wait already: figures by how many wait. */
async function backlog(queue, events) {
  const levels = [];
  let waiting = 0;
  for (const level of wanted.levels) {
    while (waiting < level) {
      const more = Math.min(level - waiting, 50_000);
      await queue.submitMany(payloads(more));
      waiting += more;
    }
    const repeats = [];
    for (let n = 0; n < wanted.repeats; n += 1) {
      const submit = await submitTogether(queue);
      repeats.push({ submit, drain: await drain(queue, events) });
    }
    levels.push({ waiting: level, repeats });
  }
  return { levels };
}

const measures = { submitOneByOne, submitTogether, submitMany, drain, idleLatency, backlog };
const events = { onStart: () => undefined, onDone: () => undefined };
const { open } = await import(`./systems/${wanted.module}.mjs`);
const queue = await open({
  place: wanted.place,
  dir: wanted.dir,
  name: wanted.name,
  concurrency: wanted.concurrency ?? 10,
  idle: wanted.what === "idleLatency",
  onStart: () => events.onStart(),
  onDone: () => events.onDone(),
});
const result = await measures[wanted.what](queue, events);
await queue.close();
// The answer is the last thing: what a library leaves running must not keep the process.
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
