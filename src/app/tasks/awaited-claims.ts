/** For whom a cancellation waits: an agent that has claimed a task hears of the wish by its heartbeats alone. */
import { toTime } from "../../contracts/fields.js";
import type { Store } from "../../store/store.js";
import type { OwnerView } from "../../store/worker-store.js";
import { ownerName } from "../workers/present-owners.js";

interface HeldTask {
  readonly id: string;
  readonly owner: OwnerView;
}

/**
 * Says who has claimed which of the tasks, how long that can take, and how to do without; null when no agent has any.
 * Engines, `waybill work` and dispatches are not named: they are told, and end by themselves what they execute.
 */
export async function describeAwaitedClaims(store: Store, ids: readonly string[]): Promise<string | null> {
  const owners = (await store.workers.listWorkers()).filter(({ kind }) => kind === "claim");
  const held = owners.flatMap((owner) => owner.tasks.map(({ id }) => ({ id, owner })));
  const [first, ...others] = held.filter(({ id }) => ids.includes(id));
  return first === undefined ? null : sentence(first, others.length);
}

function sentence({ id, owner }: HeldTask, others: number): string {
  const more = others === 0 ? "" : ` (and for ${others} more such ${others === 1 ? "claim" : "claims"})`;
  const until = `until ${toTime(owner.lease.expiresAt)} at most, if it sends no heartbeat`;
  const instead = `\`waybill tasks reclaim ${id} --force --reason WHY\` takes the task from it`;
  return `for ${ownerName(owner)}, who has task ${id}, ${until}${more}; --no-wait does not wait, ${instead}`;
}
