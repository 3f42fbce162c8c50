/** The composition root: settings in, a door to every operation out. */
import { fileURLToPath } from "node:url";
import { v7 } from "uuid";
import { resolveSettings, type SettingFlags, type Settings } from "../config/settings.js";
import {
  type CallName,
  type InputOf,
  type ItemOf,
  type OperationName,
  type OutputOf,
  operationNamed,
  type ParsedInputOf,
  type StreamName,
} from "../contracts/index.js";
import { describeIssue, sayFault } from "../contracts/schema-issue.js";
import { LeaseKeeper } from "../dispatch/lease-keeper.js";
import { withoutOwnVariables } from "../dispatch/program-environment.js";
import type { Runtime } from "../dispatch/runtime.js";
import { WaybillError } from "../domain/errors.js";
import { livenessOf, thisProcess } from "../machines/process-identity.js";
import { type Log, silentLog } from "../observe/log.js";
import type { OnStep } from "../observe/steps.js";
import { openStore } from "../store/open-store.js";
import type { Store } from "../store/store.js";
import type { AppContext, CallOptions, Inventory } from "./context.js";
import { CALLS, STREAMS } from "./handlers.js";
import { readInventory } from "./read-inventory.js";
import { DispatcherSpawner } from "./spawn-dispatcher.js";

export interface OpenOptions extends SettingFlags {
  /** Default: the process's own environment. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** The program and arguments that start a dispatcher. Default: this package's own command line. */
  readonly dispatcherCommand?: readonly string[];
  readonly log?: Log;
  readonly onStep?: OnStep;
}

/** Waybill, opened. Close it to give its leases back; runs and batches under way are then left to dispatchers. */
export interface Waybill {
  readonly settings: Settings;
  /** Carries out an operation. Errors: `invalid_input`, and those that the operation declares. */
  call<N extends CallName>(name: N, input: InputOf<N>, options?: CallOptions): Promise<OutputOf<N>>;
  /** Carries out an operation that answers with a stream. */
  stream<N extends StreamName>(name: N, input: InputOf<N>, options?: CallOptions): AsyncGenerator<ItemOf<N>, void>;
  readonly context: AppContext;
  close(): Promise<void>;
}

export async function open(options: OpenOptions = {}): Promise<Waybill> {
  const { environment, cwd, store, machines } = options;
  const settings = await resolveSettings({
    flags: { store, machines },
    ...(environment === undefined ? {} : { environment }),
    ...(cwd === undefined ? {} : { cwd }),
  });
  const opened = new Opened(settings, options);
  return {
    settings,
    context: opened.context,
    call: async (name, input, callOptions = {}) => {
      const handler = await CALLS[name]();
      return await handler(opened.context, parseInput(name, input), callOptions);
    },
    stream: async function* (name, input, callOptions = {}) {
      const handler = await STREAMS[name]();
      yield* handler(opened.context, parseInput(name, input), callOptions);
    },
    close: () => opened.close(),
  };
}

/** What has been opened so far, each part once. */
class Opened {
  readonly context: AppContext;
  #store: Promise<Store> | undefined;
  #inventory: Promise<Inventory> | undefined;
  #keeper: Promise<LeaseKeeper> | undefined;
  #machines: Runtime["machine"] | undefined;
  readonly #settings: Settings;
  readonly #options: OpenOptions;

  constructor(settings: Settings, options: OpenOptions) {
    this.#settings = settings;
    this.#options = options;
    const spawner = new DispatcherSpawner(settings, options.dispatcherCommand ?? defaultDispatcherCommand());
    this.context = {
      settings,
      store: () => this.#openStore(),
      runtime: () => this.#openRuntime(),
      keeper: () => (this.#keeper ??= this.#openRuntime().then((runtime) => new LeaseKeeper(runtime))),
      inventory: () => (this.#inventory ??= readInventory(settings)),
      ensureDispatcher: async (scope) => await spawner.ensure(await this.#openRuntime(), scope),
    };
  }

  async close(): Promise<void> {
    // What could not be opened was told to whoever asked for it, and leaves nothing to close.
    const [keeper, store] = await Promise.allSettled([this.#keeper, this.#store]);
    if (keeper.status === "fulfilled") await keeper.value?.close();
    if (store.status === "fulfilled") await store.value?.close();
  }

  #openStore(): Promise<Store> {
    this.#store ??= openStore(this.#settings.storeUrl);
    return this.#store;
  }

  /** Machines are loaded here, so that a command which only reads the store starts without them. */
  async #openRuntime(): Promise<Runtime> {
    const { machineOpener } = await import("../machines/open-machine.js");
    const { home, environment, provenance } = this.#settings;
    this.#machines ??= machineOpener(withoutOwnVariables(environment));
    return {
      store: await this.#openStore(),
      holder: thisProcess(),
      liveness: livenessOf,
      machine: this.#machines,
      environment,
      provenance,
      treesDir: home.trees,
      attemptDir: home.attemptDir,
      newId: v7,
      clock: Date.now,
      log: this.#options.log ?? silentLog,
      onStep: this.#options.onStep ?? (() => undefined),
    };
  }
}

const defaultDispatcherCommand = (): string[] => [
  process.execPath,
  fileURLToPath(new URL("./cli.cjs", import.meta.url)),
];

/** Checks an input against its contract. Errors: `invalid_input` that names each field. */
function parseInput<N extends OperationName>(name: N, input: unknown): ParsedInputOf<N> {
  const schema = operationNamed(name).input.strict();
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data as ParsedInputOf<N>;
  const problems = parsed.error.issues.flatMap((issue) => describeIssue(issue, schema, input)).map(sayFault);
  throw new WaybillError("invalid_input", problems.join("; "), { details: { problems } });
}
