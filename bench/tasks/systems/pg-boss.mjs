/** pg-boss on PostgreSQL. It polls; a drain uses its own fetch and complete in a loop, which is as fast as it can be used. */
import PgBoss from "pg-boss";

/** The shortest that it takes. */
const POLL_SECONDS = 0.5;

export async function open({ place, name, concurrency, onStart, onDone, idle }) {
  const schema = name.replaceAll("-", "_");
  const boss = new PgBoss({ connectionString: place.url, schema, supervise: false, schedule: false });
  boss.on("error", (error) => console.error(error.message));
  await boss.start();
  await boss.createQueue("noop");
  let open = true;
  let loop = null;
  const drain = async () => {
    while (open) {
      const jobs = await boss.fetch("noop", { batchSize: concurrency });
      if (jobs.length === 0) return;
      jobs.forEach(onStart);
      await boss.complete(
        "noop",
        jobs.map(({ id }) => id),
      );
      jobs.forEach(onDone);
    }
  };
  return {
    submit: (payload) => boss.send("noop", payload),
    submitMany: (payloads) => boss.insert(payloads.map((data) => ({ name: "noop", data }))),
    work: async () => {
      if (idle) await boss.work("noop", { pollingIntervalSeconds: POLL_SECONDS }, async () => onStart());
      else loop = drain();
    },
    stop: async () => {
      open = false;
      await loop;
    },
    close: () => boss.stop({ graceful: false, wait: true }),
  };
}
