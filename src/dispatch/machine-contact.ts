/** Notes whether a machine answered, for whoever wants to know without asking it. */
import { createHash } from "node:crypto";
import { type ErrorCode, WaybillError } from "../domain/errors.js";
import type { MachineSpec } from "../domain/machine.js";
import { canonicalTarget } from "../domain/machine-note.js";
import type { Store } from "../store/store.js";

/** What says that there was no contact; with any other error the machine did answer, if not as was hoped. */
const NO_CONTACT: readonly ErrorCode[] = [
  "machine_unreachable",
  "auth_failed",
  "host_key_mismatch",
  "transport_unavailable",
];

export const targetHash = (spec: MachineSpec): string =>
  createHash("sha256").update(canonicalTarget(spec)).digest("hex");

/**
 * Asks a machine, and notes that it answered or with which error it did not; the error goes on. A machine of this host
 * is always reached, so nothing is noted of one.
 */
export async function withContactNoted<T>(
  store: Pick<Store, "machines">,
  spec: MachineSpec,
  ask: () => Promise<T>,
): Promise<T> {
  if (spec.transport === "local") return await ask();
  const contact = { name: spec.name, targetHash: targetHash(spec) };
  try {
    const answer = await ask();
    await store.machines.noteMachineContact(contact);
    return answer;
  } catch (error) {
    if (error instanceof WaybillError && NO_CONTACT.includes(error.code)) {
      await store.machines.noteMachineFailure(contact, error.code);
    }
    throw error;
  }
}
