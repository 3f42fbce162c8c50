/** Notes whether a machine answered, for whoever wants to know without asking it. */
import { createHash } from "node:crypto";
import { WaybillError } from "../domain/errors.js";
import type { MachineSpec } from "../domain/machine.js";
import { canonicalTarget } from "../domain/machine-note.js";
import type { Store } from "../store/store.js";

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
  let answer: T;
  try {
    answer = await ask();
  } catch (error) {
    if (error instanceof WaybillError) await store.machines.noteMachineFailure(contact, error.code);
    throw error;
  }
  await store.machines.noteMachineContact(contact);
  return answer;
}
