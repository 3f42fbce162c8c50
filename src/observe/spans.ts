/**
 * Spans of tasks, by the OpenTelemetry interface alone: whoever registers an SDK in the process gets them, nobody else
 * pays for them. The context travels with the task as the text of a `traceparent` (W3C Trace Context).
 */
import {
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";

const TRACEPARENT = /^[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

const tracer = () => trace.getTracer("waybill");

/** What a task brings along that leads back to whoever submitted it; null when nothing valid does. */
const toCarrier = (traceparent: string | null | undefined): Record<string, string> =>
  traceparent != null && TRACEPARENT.test(traceparent) ? { traceparent } : {};

async function within<T>(
  span: Span,
  parent: Context,
  work: (own: Context) => Promise<T>,
  isFailure: (error: unknown) => boolean = () => true,
): Promise<T> {
  try {
    const own = trace.setSpan(parent, span);
    return await context.with(own, () => work(own));
  } catch (error) {
    if (isFailure(error)) recordFailure(span, error);
    throw error;
  } finally {
    span.end();
  }
}

function recordFailure(span: Span, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  span.recordException(error instanceof Error ? error : message);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}

/**
 * Submits within a span. `submit` gets what is to be stored with the task: the span's own context, without an SDK the
 * caller's as it came, null when there is none.
 */
export function submitInSpan<T>(
  type: string,
  traceparent: string | null,
  submit: (trace: string | null) => Promise<T>,
): Promise<T> {
  const carrier = toCarrier(traceparent);
  const parent = propagation.extract(ROOT_CONTEXT, carrier);
  const span = tracer().startSpan(
    `submit ${type}`,
    { kind: SpanKind.PRODUCER, attributes: { "waybill.task.type": type } },
    parent,
  );
  return within(span, parent, (own) => {
    const stored: Record<string, string> = {};
    propagation.inject(own, stored);
    return submit(stored.traceparent ?? carrier.traceparent ?? null);
  });
}

/** Executes an attempt within a span whose parent is the task's submission. `isFailure`: some errors only say "later". */
export function attemptInSpan(
  attempt: { readonly id: string; readonly type: string; readonly attempt: number; readonly trace: string | null },
  run: () => Promise<unknown>,
  isFailure: (error: unknown) => boolean,
): Promise<unknown> {
  const parent = propagation.extract(ROOT_CONTEXT, toCarrier(attempt.trace));
  const attributes = {
    "waybill.task.id": attempt.id,
    "waybill.task.type": attempt.type,
    "waybill.task.attempt": attempt.attempt,
  };
  const span = tracer().startSpan(`execute ${attempt.type}`, { kind: SpanKind.CONSUMER, attributes }, parent);
  return within(span, parent, run, isFailure);
}
