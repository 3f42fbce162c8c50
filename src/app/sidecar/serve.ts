/** A sidecar's life: an engine and a server in front of it, until it is told to stop; then it burns no attempt. */
import { isIP } from "node:net";
import { readToken } from "../../config/token.js";
import { durationMs } from "../../contracts/fields.js";
import type { OutputOf, ParsedInputOf } from "../../contracts/index.js";
import { parseByteSize } from "../../domain/byte-size.js";
import { WaybillError } from "../../domain/errors.js";
import type { Engine } from "../../engine/engine.js";
import { isSnooze, isSuspended } from "../../engine/handler-errors.js";
import { openEngine } from "../../engine/open-engine.js";
import type { Log } from "../../observe/log.js";
import { Metrics } from "../../observe/metrics.js";
import { serviceLog } from "../../observe/service-log.js";
import { attemptInSpan } from "../../observe/spans.js";
import type { AppContext, CallHandler } from "../context.js";
import { COMMAND, cancelRunsOfTask } from "../tasks/command-runs.js";
import { commandTask } from "../tasks/command-task.js";
import { loadTaskModule } from "../tasks/load-task-module.js";
import { countFacts } from "./count-facts.js";
import { readinessTasks } from "./readiness-tasks.js";
import type { Listening, ListenOptions, Service } from "./service.js";
import { Sidecar } from "./sidecar.js";
import { StrayFaults } from "./stray-faults.js";

type Input = ParsedInputOf<"system.serve">;

export const serve: CallHandler<"system.serve"> = async (context, input, { service, signal }) => {
  if (service === undefined) {
    throw new WaybillError("invalid_state", "Nothing was given that could answer requests.", {
      hint: "Run `waybill serve`, or open an engine with openEngine.",
    });
  }
  checkReach(input);
  const log = serviceLog(input.log_format, service.write);
  const options = listenOptions(context, input, service, log);
  const metrics = new Metrics();
  const engine = await openSidecarEngine(context, input, metrics, log);
  const strays = new StrayFaults(log);
  const live = async (): Promise<OutputOf<"system.serve">> => {
    const sidecar = new Sidecar(engine, await context.store(), metrics, {
      closedTypes: input.allow_commands ? [] : [COMMAND],
      onRemoved: (task) => cancelRunsOfTask(context, task),
    });
    // Taking back what a dead engine left comes before the first request: whoever asks sees it under way.
    await engine.start();
    const listening = await service.listen(sidecar, options);
    log("serve.listening", { url: listening.url, auth: input.auth, types: engine.status().types.join(" ") });
    await aborted(signal);
    return await drain(engine, sidecar, listening, { graceMs: durationMs(input.grace) ?? 0, service, log });
  };
  try {
    return await Promise.race([live(), strays.found]);
  } finally {
    // After a stray fault it ends as by a crash, so that a task which does it again and again is quarantined; what comes
    // meanwhile is told as well. Else, whatever failed above, what the engine claimed goes back to the queue.
    if (!strays.isFound) {
      await engine.close({ graceMs: 0 });
      strays.stopListening();
    }
  }
};

const isLoopback = (address: string): boolean =>
  address === "localhost" || address === "::1" || (isIP(address) === 4 && address.startsWith("127."));

/** Errors: `invalid_input` for an API that anybody who reaches it could use. */
function checkReach({ bind, auth }: Input): void {
  if (auth === "token" || isLoopback(bind)) return;
  const why = auth === "none" ? "anybody" : "anybody who sends X-Remote-User";
  throw new WaybillError("invalid_input", `--auth ${auth} on ${bind} would let ${why} submit and remove tasks.`, {
    hint: "Bind 127.0.0.1 behind a proxy that authenticates, or use --auth token.",
  });
}

function listenOptions(context: AppContext, input: Input, service: Service, log: Log): ListenOptions {
  const { port, bind, auth } = input;
  const token = auth === "token" ? readToken(context.settings, input.token_file) : null;
  return { port, bind, auth, token, bodyLimit: parseByteSize(input.body_limit) ?? 0, version: service.version, log };
}

const isFailure = (error: unknown): boolean => !(isSnooze(error) || isSuspended(error));

async function openSidecarEngine(context: AppContext, input: Input, metrics: Metrics, log: Log): Promise<Engine> {
  const own = input.tasks === undefined ? [] : (await loadTaskModule(input.tasks, context.settings.cwd)).definitions;
  const store = await context.store();
  return await openEngine({
    store,
    tasks: [...own, ...readinessTasks(store), commandTask(context)],
    concurrency: input.concurrency,
    log,
    observe: countFacts(metrics),
    around: (attempt, run) => attemptInSpan(attempt, run, isFailure),
  });
}

const aborted = (signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    signal?.addEventListener("abort", () => resolve(), { once: true });
  });

interface Draining {
  readonly graceMs: number;
  readonly service: Service;
  readonly log: Log;
}

/** No request comes in any more before handlers are waited for, and the store is closed after both. */
async function drain(engine: Engine, sidecar: Sidecar, listening: Listening, { graceMs, service, log }: Draining) {
  sidecar.stopping();
  log("serve.draining", { running: engine.status().running, grace_ms: graceMs });
  await Promise.all([listening.close(), engine.stop({ graceMs, hurry: service.hurry })]);
  const { succeeded, failed, waiting, cancelled } = engine.status();
  const counts = { succeeded, failed, waiting, cancelled };
  log("serve.stopped", counts);
  return { url: listening.url, ...counts, hurried: service.hurry.aborted };
}
