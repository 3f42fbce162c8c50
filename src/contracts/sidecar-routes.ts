/** The routes of the sidecar API: what each takes and every answer that it can give. Router and OpenAPI come from here. */
import type * as z from "zod";
import {
  errorView,
  gateChange,
  gateView,
  readinessView,
  serviceStatus,
  submittedTask,
  taskResult,
  taskResults,
  taskSubmission,
} from "./sidecar.js";

/** What an answer carries: JSON of a schema, text, the OpenAPI document, or nothing. */
export type AnswerBody = (() => z.ZodType) | "text" | "openapi" | null;

export interface Answer {
  readonly description: string;
  readonly body: AnswerBody;
  readonly retryAfter?: true;
}

export interface Route {
  readonly method: "get" | "put" | "post" | "delete";
  /** As OpenAPI writes it. */
  readonly path: string;
  readonly summary: string;
  /** Answers without a token: what asks is a kubelet or a balancer, which has none. */
  readonly open: boolean;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: "path" | "query";
    readonly description: string;
  }[];
  readonly request: (() => z.ZodType) | null;
  readonly answers: Readonly<Record<number, Answer>>;
}

const json = (description: string, body: () => z.ZodType): Answer => ({ description, body });
const empty = (description: string): Answer => ({ description, body: null });
const refused = (description: string): Answer => ({ description, body: errorView });

const FOREIGN = refused("`Host` or `Origin` is not this server's (`forbidden`)");
const UNAUTHORIZED = refused("no valid credentials (`unauthorized`)");
const FAULT = refused("a fault in the server (`internal`)");
const UNAVAILABLE: Answer = { ...refused("the store cannot be used right now; try again"), retryAfter: true };
const PROTECTED = { 401: UNAUTHORIZED, 403: FOREIGN, 500: FAULT, 503: UNAVAILABLE } as const;
const TASK_ID = { name: "id", in: "path", description: "a task's UUID" } as const;
const BAD_BODY = {
  400: refused("no JSON, more than one value, unknown or missing fields, or values that do not fit"),
  413: refused("the body is larger than allowed (`request_too_large`)"),
  415: refused("the body is not `application/json` (`unsupported_media_type`)"),
} as const;

const route = <R extends Pick<Route, "method" | "path" | "summary" | "answers"> & Partial<Route>>(declared: R) => ({
  open: false,
  parameters: [],
  request: null,
  ...declared,
});

const readinessAnswers = { 200: empty("ready"), 403: FOREIGN, 503: empty("not ready, or nobody can tell") };

export const SIDECAR_ROUTES = {
  healthz: route({
    method: "get",
    path: "/v0/healthz",
    summary: "Whether traffic may come: every readiness gate is open",
    open: true,
    answers: readinessAnswers,
  }),
  startupz: route({
    method: "get",
    path: "/v0/startupz",
    summary: "The same as healthz, for start-up probes",
    open: true,
    answers: readinessAnswers,
  }),
  livez: route({
    method: "get",
    path: "/v0/livez",
    summary: "Whether the sidecar can do its work: it writes to its store, durably",
    open: true,
    parameters: [{ name: "verbose", in: "query", description: "`1`: a failure says why" }],
    answers: {
      200: empty("it can"),
      403: FOREIGN,
      503: { description: "it cannot; says why when `verbose=1`, else empty", body: errorView, retryAfter: true },
    },
  }),
  status: route({
    method: "get",
    path: "/v0/status",
    summary: "Ready, or initializing",
    answers: { 200: json("the status", serviceStatus), ...PROTECTED },
  }),
  metrics: route({
    method: "get",
    path: "/v0/metrics",
    summary: "Metrics in the text format of Prometheus",
    answers: { 200: { description: "all metrics", body: "text" }, ...PROTECTED },
  }),
  submit: route({
    method: "post",
    path: "/v0/tasks",
    summary: "Submit a task, or find the one of that id; one that has failed is tried again",
    request: taskSubmission,
    answers: {
      201: json("recorded durably, now or before", submittedTask),
      409: refused("the id is known with another type or other params (`task_conflict`)"),
      ...BAD_BODY,
      ...PROTECTED,
    },
  }),
  list: route({
    method: "get",
    path: "/v0/tasks",
    summary: "The newest 100 tasks, newest first",
    answers: { 200: json("the tasks, none as `[]`", taskResults), ...PROTECTED },
  }),
  show: route({
    method: "get",
    path: "/v0/tasks/{id}",
    summary: "One task",
    parameters: [TASK_ID],
    answers: {
      200: json("the task", taskResult),
      400: refused("no UUID (`invalid_task_id`)"),
      404: refused("unknown (`task_not_found`)"),
      ...PROTECTED,
    },
  }),
  remove: route({
    method: "delete",
    path: "/v0/tasks/{id}",
    summary: "Forget a task; one that runs is told to stop, and can record nothing more",
    parameters: [TASK_ID],
    answers: {
      204: empty("forgotten"),
      400: refused("no UUID (`invalid_task_id`)"),
      404: refused("unknown (`task_not_found`)"),
      ...PROTECTED,
    },
  }),
  readiness: route({
    method: "get",
    path: "/v0/readiness",
    summary: "Every readiness gate, who set it and why",
    answers: { 200: json("the gates", readinessView), ...PROTECTED },
  }),
  decide: route({
    method: "put",
    path: "/v0/readiness/{gate}",
    summary: "Hold or release a readiness gate",
    parameters: [{ name: "gate", in: "path", description: "the gate's name" }],
    request: gateChange,
    answers: { 200: json("the gate as it is now", gateView), ...BAD_BODY, ...PROTECTED },
  }),
  openapi: route({
    method: "get",
    path: "/v0/openapi.json",
    summary: "This description",
    answers: { 200: { description: "an OpenAPI 3.1 document", body: "openapi" }, ...PROTECTED },
  }),
} as const satisfies Readonly<Record<string, Route>>;

export type SidecarRouteName = keyof typeof SIDECAR_ROUTES;
