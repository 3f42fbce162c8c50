import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, expect, it } from "vitest";
import { DEFAULT_SSH, type MachineSpec } from "../../domain/machine.js";
import { given } from "../conformance/given.js";
import { openSqliteStore } from "./open-sqlite-store.js";

const directory = mkdtempSync(join(tmpdir(), "waybill-run-rows-"));
afterAll(() => rmSync(directory, { recursive: true }));

it("reads a run whose machine was recorded before machines had ssh settings", async () => {
  const path = join(directory, "old.db");
  const target: MachineSpec = { ...given.request().target, transport: "ssh", host: "gpu.lan", ssh: DEFAULT_SSH };
  const store = await openSqliteStore({ path });
  const { run } = await store.runs.prepareAtomic(given.dispatch(), () =>
    given.run({ request: given.request({ target }) }),
  );
  await store.close();
  const file = new Database(path);
  file.exec("UPDATE runs SET request = json_remove(request, '$.target.ssh')");
  file.close();

  const later = await openSqliteStore({ path });
  expect((await later.runs.getRun(run.id))?.request.target).toEqual(target);
  await later.close();
});
