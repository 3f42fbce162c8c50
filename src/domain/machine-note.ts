/** What is remembered of a machine beyond the inventory: whether it answered last, and whether it takes new work. */
import { canonicalJson } from "./canonical-json.js";
import type { ErrorCode } from "./errors.js";
import type { MachineSpec, MachineStatus } from "./machine.js";

/** A machine that takes no new work; what runs there goes on. */
export interface Drain {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly by: string;
  /** Why, in the words of whoever did it; null: nobody said. */
  readonly reason: string | null;
}

export interface MachineNote {
  readonly name: string;
  /** Which place was contacted, see `canonicalTarget`; null before any contact. */
  readonly targetHash: string | null;
  /** Epoch milliseconds of the last answer and of the last failure since; null: none. */
  readonly lastContactAt: number | null;
  readonly lastFailureAt: number | null;
  /** Why there was no answer; null exactly when the last contact was one. */
  readonly lastErrorCode: ErrorCode | null;
  readonly drain: Drain | null;
}

/** The text whose SHA-256 names the place: contact with another place under one name says nothing about this one. */
export const canonicalTarget = ({ host, user, port, workDir, ssh }: MachineSpec): string =>
  canonicalJson({
    host,
    user,
    port,
    work_dir: workDir,
    ssh_config: ssh?.configFile ?? null,
    proxy_jump: ssh?.proxyJump ?? null,
  });

/** What a status rests on. */
export interface MachineState {
  readonly spec: MachineSpec;
  /** Runs that hold a slot of it. */
  readonly holders: number;
  /** Whether the driver of one of them has lost contact. */
  readonly unreachable: boolean;
  /** Its note when that is about this very place. */
  readonly note: MachineNote | null;
}

/** A failed contact outweighs a lost one, and both outweigh full slots; a machine of this host needs no contact. */
export function machineStatus({ spec, holders, unreachable, note }: MachineState): MachineStatus {
  if (unreachable) return "offline";
  if (spec.transport !== "local") {
    if (note !== null && note.lastErrorCode !== null) return "offline";
    if (note?.lastContactAt == null) return "unknown";
  }
  return holders >= spec.slots ? "busy" : "idle";
}

/** `drained by ann (new disk)`, to follow a machine's name. */
export const describeDrain = ({ by, reason }: Drain): string =>
  `drained by ${by}${reason === null ? "" : ` (${reason})`}`;
