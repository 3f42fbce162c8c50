/** Looks whether a machine out of sight can execute runs: what it has, how far it is, what its clock says. */
import { WaybillError } from "../../domain/errors.js";
import type { MachineSpec } from "../../domain/machine.js";
import { finding, judgeFacts, REMOTE_TOOLS, REQUIRED_TOOLS, readFacts } from "../machine-facts.js";
import type { MachineFinding } from "../machine-port.js";
import { dialectOf } from "./dialect.js";
import { QUICK_MS, type RemoteShell } from "./remote-shell.js";

/** The quickest of so many answers counts: it leaves the least room for doubt. */
const SAMPLES = 3;
/** A clock that is off by more than this makes times hard to compare; runs do not suffer. */
const MOST_SKEW_MS = 30_000;

export interface CheckOptions {
  /** This host's clock, epoch milliseconds. Default `Date.now`. */
  readonly clock?: () => number;
  readonly signal?: AbortSignal;
}

/** Errors: those of the shell, when the machine cannot be reached; `spawn_failed` when it cannot say what it has. */
export async function checkOverShell(
  shell: Pick<RemoteShell, "call">,
  spec: MachineSpec,
  { clock = Date.now, signal }: CheckOptions = {},
): Promise<MachineFinding[]> {
  const ask = async (verb: string, args: readonly string[]): Promise<string> => {
    const { status, output } = await shell.call({ verb, args, deadlineMs: QUICK_MS, ...(signal && { signal }) });
    if (status === 0) return output.toString();
    throw new WaybillError("spawn_failed", `Machine "${spec.name}" could not say what it has (status ${status}).`, {
      hint: `It needs \`${dialectOf(spec).needs.shell}\`.`,
      details: { machine: spec.name, status, output: output.toString().slice(-500) },
    });
  };
  const facts = readFacts(await ask("check", [...REQUIRED_TOOLS, ...REMOTE_TOOLS]));
  const samples: ClockSample[] = [];
  while (samples.length < SAMPLES) {
    const before = clock();
    const there = Number((await ask("clock", [])).trim());
    samples.push({ before, there, after: clock() });
  }
  const quickest = quickestOf(samples);
  const { before, after } = quickest;
  return [
    finding("reach", true, `${after - before} ms round trip`, ""),
    ...judgeFacts(facts, spec),
    judgeClock(
      measureSkew(
        quickest,
        samples.every(({ there }) => there % 1000 === 0),
      ),
    ),
  ];
}

interface ClockSample {
  readonly before: number;
  readonly there: number;
  readonly after: number;
}

const quickestOf = (samples: readonly ClockSample[]): ClockSample =>
  samples.reduce((best, sample) => (sample.after - sample.before < best.after - best.before ? sample : best));

interface Skew {
  /** How far the machine's clock is ahead; negative when it is behind. Milliseconds. */
  readonly ms: number;
  /** Half the round trip, and the grain of a clock that tells whole seconds only. */
  readonly uncertaintyMs: number;
}

function measureSkew({ before, there, after }: ClockSample, wholeSeconds: boolean): Skew {
  const grain = wholeSeconds ? 1000 : 0;
  return {
    ms: Math.round(there + grain / 2 - (before + after) / 2),
    uncertaintyMs: Math.ceil((after - before + grain) / 2),
  };
}

function judgeClock({ ms, uncertaintyMs }: Skew): MachineFinding {
  const ok = Math.abs(ms) - uncertaintyMs <= MOST_SKEW_MS;
  const value = `${ms < 0 ? "behind" : "ahead"} by ${Math.abs(ms)} ms, give or take ${uncertaintyMs} ms`;
  return finding("clock", ok, value, "Set its clock (NTP): times of its runs are those of its clock.");
}
