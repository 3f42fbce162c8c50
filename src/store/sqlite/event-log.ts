import type { EventType } from "../../domain/event.js";
import type { SqlScope } from "./session.js";

export interface NewEvent {
  readonly type: EventType;
  readonly subject: string;
  readonly batchId?: string | null;
  /** Small facts with the wire's names. Never values of variables: events are shown to whoever may look. */
  readonly data?: Readonly<Record<string, unknown>>;
}

const INSERT = `
  INSERT INTO events (at, type, subject, batch_id, data) VALUES ($at, $type, $subject, $batch_id, $data)`;
/** One value to bind, however many rows: that costs less than five a row. */
const INSERT_MANY = `
  INSERT INTO events (at, type, subject, batch_id, data)
  SELECT $at, value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each($events)`;

const textOf = (data: NewEvent["data"]): string => (data === undefined ? "{}" : JSON.stringify(data));

/** Appends to the feed. To be called inside the write whose change the event tells, so that both happen or neither. */
export function appendEvent(scope: SqlScope, { type, subject, batchId, data }: NewEvent): void {
  scope.sql(INSERT).run({ at: scope.now(), type, subject, batch_id: batchId ?? null, data: textOf(data) });
}

/** Appends several, in order. */
export function appendEvents(scope: SqlScope, events: readonly NewEvent[]): void {
  const [only] = events;
  if (only === undefined) return;
  if (events.length === 1) {
    appendEvent(scope, only);
    return;
  }
  const rows = events.map(({ type, subject, batchId, data }) => [type, subject, batchId ?? null, textOf(data)]);
  scope.sql(INSERT_MANY).run({ at: scope.now(), events: JSON.stringify(rows) });
}
