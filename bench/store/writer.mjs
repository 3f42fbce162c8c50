/** One of several processes that write to one file: `writer.mjs STORE_MODULE DATABASE START_AT MILLISECONDS`. */
const [module, path, startAt, ms] = process.argv.slice(2);
const { openSqliteStore, given } = await import(module);
const store = await openSqliteStore({ path });
await new Promise((resolve) => setTimeout(resolve, Math.max(0, Number(startAt) - Date.now())));

const waits = [];
const end = performance.now() + Number(ms);
while (performance.now() < end) {
  const id = given.id();
  const before = performance.now();
  await store.runs.prepareAtomic(given.dispatch({ machine: id, workHash: id }), () => given.run({ id }));
  waits.push(performance.now() - before);
}
waits.sort((a, b) => a - b);
const at = (q) => waits[Math.min(waits.length - 1, Math.floor(waits.length * q))];
console.log(JSON.stringify({ writes: waits.length, p50: at(0.5), p99: at(0.99), worst: waits.at(-1) }));
await store.close();
