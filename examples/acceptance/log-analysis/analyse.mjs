import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

const LINE = /^(\S+) \S+ \S+ \[([^\]]+)\] "(\S+) (\S+) [^"]*" (\d{3}) (\d+|-) (\d+)$/;
const SLOW_MS = 500;

const byStatus = {};
const byPath = {};
const slow = [];
let [requests, errors, bytes, unreadable] = [0, 0, 0, 0];

for await (const line of createInterface({ input: createReadStream(process.argv[2]) })) {
  requests += 1;
  const match = LINE.exec(line);
  if (match === null) {
    unreadable += 1;
    continue;
  }
  const [, client, , method, path, status, size, ms] = match;
  byStatus[status] = (byStatus[status] ?? 0) + 1;
  byPath[path] = (byPath[path] ?? 0) + 1;
  bytes += size === "-" ? 0 : Number(size);
  if (Number(status) >= 500) errors += 1;
  if (Number(ms) > SLOW_MS) slow.push({ client, method, path, ms: Number(ms) });
}

const busiest = Object.entries(byPath)
  .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
  .slice(0, 3);
console.log(JSON.stringify({ requests, errors, bytes, unreadable, byStatus, busiest, slow }, null, 2));
process.exitCode = unreadable === 0 ? 0 : 1;
