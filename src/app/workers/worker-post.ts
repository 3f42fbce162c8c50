/** Where a worker's children work: a warden over them, a directory for their files, and what they find in their environment. */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { withoutOwnVariables } from "../../dispatch/program-environment.js";
import { WaybillError } from "../../domain/errors.js";
import { PipeMaker } from "../../machines/children/pipe-maker.js";
import { startWarden, type Warden } from "../../machines/children/warden.js";
import type { AppContext } from "../context.js";

export interface WorkerPost {
  readonly warden: Warden;
  readonly pipes: PipeMaker;
  /** For the files of attempts; nobody else can read it, and it goes with the worker. */
  readonly directory: string;
  /** What children inherit. */
  readonly environment: Readonly<Record<string, string>>;
  /** What every child is told about who executes it. */
  readonly identity: {
    readonly agentId: string;
    readonly session: string;
    readonly storeUrl: string;
    readonly home: string;
  };
  /** Ends what still runs, and removes the directory. */
  close(): Promise<void>;
}

export interface WorkerPostOptions {
  /** Names the directory; unique for ever. */
  readonly workerId: string;
  readonly agentId: string;
  readonly session: string;
  /** What is left between asking a command to end and killing it; milliseconds. */
  readonly graceMs: number;
  /** How long its tasks stay its own after its last sign of life; milliseconds. */
  readonly leaseMs: number;
}

/**
 * A worker renews its lease three times within it, so two thirds of it are left when it dies. Within these its warden must
 * have ended what it ran, however long a grace was given: after that others execute its tasks.
 */
const graceOfWarden = ({ graceMs, leaseMs }: WorkerPostOptions): number => Math.min(graceMs, leaseMs / 3);

/** Errors: `spawn_failed` when there is no shell, or no place for files. */
export async function openWorkerPost(
  { settings }: Pick<AppContext, "settings">,
  options: WorkerPostOptions,
): Promise<WorkerPost> {
  const { workerId, agentId, session } = options;
  const directory = join(settings.home.workers, workerId);
  const environment = withoutOwnVariables(settings.environment);
  await mkdir(directory, { recursive: true, mode: 0o700 }).catch((cause: Error) => {
    throw new WaybillError("spawn_failed", `There is no place for the files of a worker: ${cause.message}.`, {
      hint: "Is there room in WAYBILL_HOME, and may it be written?",
      cause,
    });
  });
  const warden = await startWarden({ graceMs: graceOfWarden(options), directory, environment });
  return {
    warden,
    pipes: new PipeMaker(directory, environment),
    directory,
    environment,
    identity: { agentId, session, storeUrl: settings.storeUrl, home: settings.home.root },
    close: async () => {
      await warden.dismiss();
      // The warden has done it, unless it was killed.
      await rm(directory, { recursive: true, force: true });
    },
  };
}
