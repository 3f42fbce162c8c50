/** Spans of a sidecar, with an SDK that its process was started with. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { perTest } from "../harness/per-test.js";
import { createSandbox } from "../harness/sandbox.js";
import { until } from "../harness/until.js";
import { serveIn, writeTasks } from "./sidecar-process.js";

const SDK = new URL("../fixtures/tasks/spans-to-file.mjs", import.meta.url);

const box = perTest(createSandbox);

interface Line {
  readonly name: string;
  readonly spanId: string;
  readonly parent: string | null;
  readonly traceId: string;
}

const spansOf = (file: string): readonly Line[] =>
  readFileSync(file, { encoding: "utf8", flag: "a+" })
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);

it("a trace goes on from the caller's request to the attempt, though the SDK has another copy of the interface", async () => {
  const file = box.path("spans");
  const env = { NODE_OPTIONS: `--import ${fileURLToPath(SDK)}`, SPANS_FILE: file };
  const sidecar = await serveIn(box, { args: ["--tasks", writeTasks(box)], env });
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const body = { type: "trace" };
  const { json } = await sidecar.ask("POST", "/v0/tasks", { body, headers: { traceparent } });
  const { result } = await sidecar.reaches(json.id, "completed");
  const spans = await until("both spans have ended", () => spansOf(file).length === 2 && spansOf(file));
  const submitted = spans.find(({ name }) => name === "submit trace");
  const executed = spans.find(({ name }) => name === "execute trace");
  expect(submitted).toMatchObject({ parent: "00f067aa0ba902b7", traceId: "4bf92f3577b34da6a3ce929d0e0e4736" });
  expect(executed).toMatchObject({ parent: submitted?.spanId, traceId: "4bf92f3577b34da6a3ce929d0e0e4736" });
  expect(result).toBe(`00-4bf92f3577b34da6a3ce929d0e0e4736-${submitted?.spanId}-01`);
});
