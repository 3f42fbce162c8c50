import type { DependencyOutcome } from "../domain/dependency.js";
import type { LinkKind } from "../domain/task-links.js";
import type { Granted } from "./granted.js";

/** `from` blocks `to`; `to` was discovered from `from`. */
export interface TaskLink {
  readonly from: string;
  readonly to: string;
  readonly kind: LinkKind;
  /** Which end of `from` the other waits for; null of links that hold nothing back. */
  readonly outcome: DependencyOutcome | null;
}

export interface LinkStore {
  /**
   * Links two tasks; one that is there already stays, or takes the new outcome. With `blocks`, `from` must end before `to`
   * begins; `to` must be waiting for that. The value says whether anything changed.
   *
   * Refused with `task_not_found`, `invalid_state` when `to` runs or has ended or `from` has ended otherwise, or
   * `dependency_cycle` (the ids of the cycle in `details.cycle`); `invalid_input` when one is to be discovered from itself.
   */
  link(link: TaskLink): Promise<Granted<boolean>>;
  /** Forgets a link; a task that waited for nothing else is queued. False when there was none. */
  unlink(link: { readonly from: string; readonly to: string; readonly kind: LinkKind }): Promise<boolean>;
  /** All links from and to a task. */
  linksOf(taskId: string): Promise<readonly TaskLink[]>;
}
