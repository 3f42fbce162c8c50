import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Attributes,
  type Context,
  type ContextManager,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  type TextMapPropagator,
  trace,
} from "@opentelemetry/api";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { attemptInSpan, submitInSpan } from "./spans.js";

const CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

interface Recorded {
  readonly name: string;
  readonly kind: SpanKind | undefined;
  readonly attributes: Attributes | undefined;
  readonly parent: string | null;
  readonly own: SpanContext;
  status: SpanStatusCode;
  exceptions: number;
  ended: boolean;
}

/** The least that an SDK does, so that spans and what travels with a task can be looked at. */
function registerSdk(): Recorded[] {
  const recorded: Recorded[] = [];
  const storage = new AsyncLocalStorage<Context>();
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, work, self, ...args) => storage.run(active, () => work.call(self as never, ...args)),
    bind: (_active, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  const propagator: TextMapPropagator<Record<string, string>> = {
    fields: () => ["traceparent"],
    inject: (active, carrier) => {
      const span = trace.getSpanContext(active);
      if (span !== undefined) carrier.traceparent = `00-${span.traceId}-${span.spanId}-01`;
    },
    extract: (base, carrier) => {
      const [, traceId, spanId] = carrier.traceparent?.split("-") ?? [];
      if (traceId === undefined || spanId === undefined) return base;
      return trace.setSpanContext(base, { traceId, spanId, traceFlags: 1, isRemote: true });
    },
  };
  const start = (name: string, options: SpanOptions = {}, parent: Context = ROOT_CONTEXT): Span => {
    const above = trace.getSpanContext(parent);
    const spanId = String(recorded.length + 1).padStart(16, "0");
    const own = { traceId: above?.traceId ?? "a".repeat(32), spanId, traceFlags: 1 };
    const { kind, attributes } = options;
    const record: Recorded = {
      name,
      kind,
      attributes,
      parent: above?.spanId ?? null,
      own,
      status: SpanStatusCode.UNSET,
      exceptions: 0,
      ended: false,
    };
    recorded.push(record);
    const span = Object.assign(trace.wrapSpanContext(own), {
      recordException: () => {
        record.exceptions += 1;
      },
      setStatus: ({ code }: { code: SpanStatusCode }) => {
        record.status = code;
        return span;
      },
      end: () => {
        record.ended = true;
      },
    });
    return span;
  };
  const tracer = { startSpan: start, startActiveSpan: () => Promise.reject(new Error("not used here")) };
  trace.setGlobalTracerProvider({ getTracer: () => tracer as never });
  context.setGlobalContextManager(manager);
  propagation.setGlobalPropagator(propagator);
  return recorded;
}

const attempt = (trace: string | null) => ({ id: "id", type: "mail", attempt: 2, trace });
const yes = (): boolean => true;

describe("without an SDK", () => {
  it("the caller's context is stored with the task as it came; what is no context is not", async () => {
    const stored = (given: string | null) => submitInSpan("mail", given, async (found) => found);
    expect(await stored(CALLER)).toBe(CALLER);
    for (const bad of [null, "", "nonsense", CALLER.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0".repeat(32))]) {
      expect(await stored(bad)).toBeNull();
    }
  });

  it("handlers run and fail as ever", async () => {
    expect(await attemptInSpan(attempt(CALLER), async () => 7, yes)).toBe(7);
    await expect(attemptInSpan(attempt(null), () => Promise.reject(new Error("no")), yes)).rejects.toThrow("no");
  });
});

describe("with an SDK", () => {
  let spans: Recorded[];
  beforeEach(() => {
    spans = registerSdk();
  });
  afterEach(() => {
    for (const api of [trace, context, propagation]) api.disable();
  });

  it("a submission's span continues the caller's trace, and the attempt's continues the submission's", async () => {
    const stored = await submitInSpan("mail", CALLER, async (found) => found);
    await attemptInSpan(attempt(stored), async () => trace.getActiveSpan()?.spanContext().spanId, yes);
    expect(spans).toMatchObject([
      { name: "submit mail", kind: SpanKind.PRODUCER, parent: "00f067aa0ba902b7", ended: true },
      { name: "execute mail", kind: SpanKind.CONSUMER, parent: spans[0]?.own.spanId, ended: true },
    ]);
    expect(new Set(spans.map(({ own }) => own.traceId))).toEqual(new Set(["4bf92f3577b34da6a3ce929d0e0e4736"]));
    expect(spans[1]?.attributes).toMatchObject({ "waybill.task.id": "id", "waybill.task.attempt": 2 });
  });

  it("a handler finds its span as the active one", async () => {
    const active = await attemptInSpan(attempt(null), async () => trace.getActiveSpan()?.spanContext().spanId, yes);
    expect(active).toBe(spans[0]?.own.spanId);
  });

  it("a failure is recorded with its exception; what only says later is none", async () => {
    const fail = (isFailure: () => boolean) =>
      attemptInSpan(attempt(null), () => Promise.reject(new Error("no")), isFailure).catch(() => undefined);
    await fail(yes);
    await fail(() => false);
    expect(spans).toMatchObject([
      { status: SpanStatusCode.ERROR, exceptions: 1, ended: true },
      { status: SpanStatusCode.UNSET, exceptions: 0, ended: true },
    ]);
  });
});
