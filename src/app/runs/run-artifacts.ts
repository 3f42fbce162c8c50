import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { OutputOf } from "../../contracts/index.js";
import { collectAttempt } from "../../dispatch/conclude-attempt.js";
import { keyOf } from "../../dispatch/drive.js";
import { WaybillError } from "../../domain/errors.js";
import { isTerminal, type Run } from "../../domain/run.js";
import { parseManifest } from "../../machines/artifacts/artifact-manifest.js";
import { unlessRemoved } from "../../machines/local/log-file.js";
import type { AppContext, CallHandler } from "../context.js";
import { findRun } from "./find-run.js";

type FileView = OutputOf<"runs.artifacts">["files"][number];

export const runArtifacts: CallHandler<"runs.artifacts"> = async (context, input, options) => {
  const found = await findRun(await context.store(), input.id);
  const run = input.fetch ? await fetchAgain(context, found, input.artifacts, options.signal) : found;
  return {
    run_id: run.id,
    state: run.artifactState,
    error: run.artifactError,
    path: run.artifactsPath,
    files: run.artifactsPath === null ? [] : await listFiles(context, run, run.artifactsPath),
  };
};

/** Errors: `invalid_state` while the run is active; `artifact_failed` when fetching failed again. */
async function fetchAgain(context: AppContext, run: Run, globs: readonly string[], signal?: AbortSignal): Promise<Run> {
  if (!isTerminal(run.status)) {
    throw new WaybillError("invalid_state", `Run ${run.id} is ${run.status}; its artifacts come when it has ended.`);
  }
  const more = globs.length > 0;
  if (run.artifactState !== "failed" && !(more && run.artifactState === "collected")) return run;
  const runtime = await context.runtime();
  const machine = runtime.machine(run.request.target);
  const drive = { runtime, machine, signal: signal ?? new AbortController().signal };
  const { left, ...report } = await (more ? collectAttempt(drive, run, undefined, globs) : collectAttempt(drive, run));
  // What was brought before is here still, whatever came of asking for more.
  const keeps = report.state === "failed" && run.artifactState === "collected";
  const updated = keeps ? run : ((await runtime.store.runs.recordArtifacts(run.id, report)) ?? run);
  if (report.state === "failed") {
    throw new WaybillError("artifact_failed", report.error ?? "The artifacts could not be fetched.", {
      hint: "The run's outcome is not affected; fetch again when the machine is in order.",
    });
  }
  if (left === 0) await machine.forget(keyOf(run));
  return updated;
}

const removed = (path: string) => (error: unknown) => {
  throw unlessRemoved(path, error);
};

/** Errors: `artifact_not_found` when somebody removed the files; `artifact_failed` for a damaged list. */
async function listFiles(context: AppContext, run: Run, root: string): Promise<FileView[]> {
  const path = join(context.settings.home.attemptDir(run.id, run.attempt), "artifacts.manifest");
  const manifest = parseManifest(await readFile(path).catch(removed(path)));
  if (manifest === null) throw new WaybillError("artifact_failed", `The manifest ${path} is damaged.`);
  return await Promise.all(
    [...manifest].map(async ([name, sha256]) => {
      const bytes = Buffer.from(name, "latin1");
      const file = Buffer.concat([Buffer.from(`${root}/`), bytes]);
      const size = await stat(file).then(
        (stats) => stats.size,
        // Of a run that asked for some of its artifacts, the rest need not be here.
        run.request.artifacts === undefined ? removed(file.toString()) : () => null,
      );
      return { path: bytes.toString(), size, sha256 };
    }),
  );
}
