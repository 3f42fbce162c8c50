import type { EventType } from "../../domain/event.js";
import type { Session } from "./session.js";

interface NewEvent {
  readonly type: EventType;
  readonly subject: string;
  readonly batchId?: string | null;
  /** Small facts with the wire's names. Never values of variables: events are shown to whoever may look. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** Appends to the feed. To be called inside the write whose change the event tells, so that both happen or neither. */
export function appendEvent(session: Session, event: NewEvent): void {
  session
    .sql("INSERT INTO events (at, type, subject, batch_id, data) VALUES ($at, $type, $subject, $batch_id, $data)")
    .run({
      at: session.now(),
      type: event.type,
      subject: event.subject,
      batch_id: event.batchId ?? null,
      data: JSON.stringify(event.data ?? {}),
    });
}
