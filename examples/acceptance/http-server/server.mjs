import { renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";

/** A counter with a name for each; PUT sets, POST adds one, GET reads. */
const counters = new Map();

const answer = (response, status, body) => {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
};

const server = createServer((request, response) => {
  const name = /^\/counters\/([a-z]+)$/.exec(request.url)?.[1];
  if (name === undefined) return answer(response, 404, { error: "no such page" });
  if (request.method === "POST") counters.set(name, (counters.get(name) ?? 0) + 1);
  else if (request.method !== "GET") return answer(response, 405, { error: `${request.method} is not possible` });
  answer(response, 200, { name, value: counters.get(name) ?? 0 });
});

const file = process.argv[2];
server.listen(0, "127.0.0.1", () => {
  // Written beside and renamed, so that the script never reads half a number.
  writeFileSync(`${file}.tmp`, String(server.address().port));
  renameSync(`${file}.tmp`, file);
});
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
