import type { EventType } from "../../domain/event.js";
import type { SqlValue } from "./driver.js";
import type { SqlScope } from "./session.js";
import { eachGroup, manyRows } from "./statements.js";

export interface NewEvent {
  readonly type: EventType;
  readonly subject: string;
  readonly batchId?: string | null;
  /** Small facts with the wire's names. Never values of variables: events are shown to whoever may look. */
  readonly data?: Readonly<Record<string, unknown>>;
}

const INSERT = "INSERT INTO events (at, type, subject, batch_id, data)";

/** Appends to the feed. To be called inside the write whose change the event tells, so that both happen or neither. */
export function appendEvent(scope: SqlScope, event: NewEvent): void {
  appendEvents(scope, [event]);
}

/** Appends several, in order. */
export function appendEvents(scope: SqlScope, events: readonly NewEvent[]): void {
  const at = scope.now();
  eachGroup(events, (group) => {
    const values = group.flatMap(({ type, subject, batchId, data }): SqlValue[] => {
      return [at, type, subject, batchId ?? null, data === undefined ? "{}" : JSON.stringify(data)];
    });
    scope.sql(manyRows(INSERT, "(?, ?, ?, ?, ?)", group.length)).run(values);
  });
}
