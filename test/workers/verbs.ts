/** What workers and people say on the command line, in short. */
import type { OutputOf } from "../../src/index.js";
import type { CliOptions, CliResult } from "../harness/cli-process.js";
import type { Sandbox } from "../harness/sandbox.js";

export type Claim = OutputOf<"tasks.claim">;
export type Detail = OutputOf<"tasks.show">;
type Refusal = { readonly code: string; readonly message: string; readonly hint: string; readonly details: object };

export interface Verbs {
  /** @returns the task's id */
  submit(type: string, ...args: string[]): Promise<string>;
  claim(...args: string[]): Promise<Claim>;
  show(id: string): Promise<Detail>;
  /** What `why` says of a task. */
  why(id: string): Promise<OutputOf<"system.why">["reasons"]>;
  workers(): Promise<OutputOf<"workers.list">["workers"]>;
  /** A verb about a claim, under its fence. */
  say(verb: string, claim: Claim, args?: readonly string[], options?: CliOptions): Promise<CliResult>;
  /** Fails unless the command is refused. @returns its exit code and the error */
  refused(args: readonly string[], options?: CliOptions): Promise<{ readonly exit: number | null } & Refusal>;
  /** Writes of superseded attempts that were refused since the store was made. */
  staleWrites(): Promise<number>;
}

export const verbsOf = (box: Sandbox): Verbs => ({
  submit: async (type, ...args) =>
    (await box.json<OutputOf<"tasks.submit">>(["tasks", "submit", type, ...args])).task.id,
  claim: async (...args) => await box.json<Claim>(["tasks", "claim", ...args]),
  show: async (id) => await box.json<Detail>(["tasks", "show", id]),
  why: async (id) => (await box.json<OutputOf<"system.why">>(["why", id])).reasons,
  workers: async () => (await box.json<OutputOf<"workers.list">>(["workers", "list"])).workers,
  say: async (verb, { task, fence }, args = [], options) =>
    await box.cli(["tasks", verb, task.id, ...args, "--fence", String(fence)], options),
  refused: async (args, options) => {
    const { code, stdout, stderr } = await box.cli([...args, "--json"], options);
    if (code === 0) throw new Error(`waybill ${args.join(" ")} was carried out: ${stdout}`);
    // Notes may come before it.
    const last = stderr.trimEnd().split("\n").at(-1) ?? "";
    return { exit: code, ...(JSON.parse(last) as { error: Refusal }).error };
  },
  staleWrites: async () => (await box.json<OutputOf<"store.info">>(["store", "info"])).stale_writes_refused,
});
