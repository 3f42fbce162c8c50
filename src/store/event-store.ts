import type { EventType, WaybillEvent } from "../domain/event.js";

export interface EventFilter {
  readonly subject?: string;
  readonly batchId?: string;
  readonly types?: readonly EventType[];
}

/** The feed. Appending happens inside the other ports' writes only. */
export interface EventStore {
  /** Events after `sequence`, oldest first. */
  readEvents(afterSequence: number, filter: EventFilter, limit: number): Promise<readonly WaybillEvent[]>;
  /** The newest sequence; 0 when nothing has happened. */
  lastSequence(): Promise<number>;
  /**
   * Resolves when something may have been written since the last call or the time is over: a hint to look, never a
   * promise of news.
   */
  waitForChange(timeoutMs: number, signal?: AbortSignal): Promise<void>;
}
