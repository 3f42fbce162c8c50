import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { describeStore } from "../conformance/describe-store.js";
import { openSqliteStore } from "./open-sqlite-store.js";

let directory: string;
let count = 0;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "waybill-store-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

describeStore("SQLite in a file", {
  open: (clock) => {
    count += 1;
    return openSqliteStore({ path: join(directory, `${count}.db`), clock });
  },
});

describeStore("SQLite in memory", { open: (clock) => openSqliteStore({ path: ":memory:", clock }) });
