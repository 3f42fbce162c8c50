/** `waybill cache run`: a command is executed only when something that it depends on has changed. */
import { createHash } from "node:crypto";
import { access } from "node:fs/promises";
import { execCommand as execContract } from "../../contracts/exec.js";
import { durationMs } from "../../contracts/fields.js";
import { toRunView } from "../../contracts/run-views.js";
import { CACHED_RUN_PREFIX, canonicalInputs } from "../../domain/cached-run.js";
import type { Run } from "../../domain/run.js";
import { readLogFile } from "../../machines/local/log-file.js";
import type { AppContext, CallHandler, CallOptions } from "../context.js";
import { execCommand } from "../runs/exec-command.js";
import { hashKeyFiles } from "./key-files.js";

export const runCached: CallHandler<"cache.run"> = async (context, input, options) => {
  const { argv, key_files, key: texts } = input;
  const { cwd, cacheMaxBytes } = context.settings;
  const files = await hashKeyFiles(cwd, key_files, options.signal);
  const hash = createHash("sha256").update(canonicalInputs({ argv, files, texts }));
  const key = `${CACHED_RUN_PREFIX}${hash.digest("hex")}`;
  const known = await findRun(context, key);
  if (known !== null) {
    await replayLog(known, options);
    return { hit: true, key, run: toRunView(known) };
  }
  // What comes on standard input is not part of the key, so the command does not get it.
  const { terminal: _terminal, ...others } = options;
  const { run } = await execCommand(context, execContract.input.parse({ argv }), others);
  if (run.status === "completed") {
    const value = Buffer.from(run.id);
    const store = await context.store();
    await store.cache.setCacheValue({ key, value, ttlMs: durationMs(input.ttl), maxBytes: cacheMaxBytes });
  }
  return { hit: false, key, run };
};

/** The run that the key stands for, if all that it left is still there. */
async function findRun(context: AppContext, key: string): Promise<Run | null> {
  const { cache, runs } = await context.store();
  const found = await cache.getCacheValue(key);
  const run = found === null ? null : await runs.getRun(Buffer.from(found.value).toString());
  if (run?.status !== "completed" || run.logsPath === null) return null;
  const left = [run.logsPath, run.artifactsPath].filter((path) => path !== null);
  const isThere = await Promise.allSettled(left.map((path) => access(path)));
  return isThere.every(({ status }) => status === "fulfilled") ? run : null;
}

async function replayLog(run: Run, options: CallOptions): Promise<void> {
  let offset = 0;
  for await (const bytes of readLogFile(run.logsPath ?? "", 0)) {
    options.signal?.throwIfAborted();
    await options.onProgress?.({ type: "log", piece: { runId: run.id, offset, bytes } });
    offset += bytes.length;
  }
}
