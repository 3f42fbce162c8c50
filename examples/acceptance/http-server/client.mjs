import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";

const [base, destination] = process.argv.slice(2);
const exchange = [];

async function ask(method, path) {
  const response = await fetch(base + path, { method, headers: { connection: "close" } });
  const body = await response.json();
  exchange.push({ method, path, status: response.status, body });
  console.log(`${method} ${path} -> ${response.status} ${JSON.stringify(body)}`);
  return { status: response.status, body };
}

assert.equal((await ask("GET", "/counters/visits")).body.value, 0);
await Promise.all(Array.from({ length: 20 }, () => ask("POST", "/counters/visits")));
assert.equal((await ask("GET", "/counters/visits")).body.value, 20);
assert.equal((await ask("GET", "/counters/others")).body.value, 0);
assert.equal((await ask("DELETE", "/counters/visits")).status, 405);
assert.equal((await ask("GET", "/nowhere")).status, 404);
writeFileSync(destination, JSON.stringify(exchange, null, 2));
