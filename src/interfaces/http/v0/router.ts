/** The routes of the sidecar API: from a request to a question to the sidecar, and from what it says to an answer. */
import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import type { ListenOptions } from "../../../app/sidecar/service.js";
import type { Sidecar } from "../../../app/sidecar/sidecar.js";
import { gateChange, taskSubmission } from "../../../contracts/sidecar.js";
import { type Route, SIDECAR_ROUTES, type SidecarRouteName } from "../../../contracts/sidecar-routes.js";
import { WaybillError } from "../../../domain/errors.js";
import { answerTo } from "../answer-error.js";
import { Guard } from "../guard.js";
import { readBody } from "../read-body.js";
import { describeApi, RETRY_AFTER } from "./openapi.js";

interface Env {
  Bindings: HttpBindings;
  Variables: {
    /** On whose behalf the request is; null when nobody can say. */
    by: string | null;
    /** As the table of routes has it. */
    route: string;
  };
}

type Handle = (c: Context<Env>) => Promise<Response>;

const param = (c: Context<Env>, name: string): string => c.req.param(name) ?? "";

function answerError(c: Context<Env>, thrown: unknown): Response {
  const { status, body } = answerTo(thrown);
  if (status === 503) c.header("Retry-After", RETRY_AFTER);
  if (status === 401) c.header("WWW-Authenticate", "Bearer");
  return c.json(body, status as 500);
}

/** Total by type: a route without a handler does not compile. */
function handlersOf(
  sidecar: Sidecar,
  { version, bodyLimit }: Pick<ListenOptions, "version" | "bodyLimit">,
): { readonly [N in SidecarRouteName]: Handle } {
  const ready: Handle = async (c) => c.body(null, (await sidecar.isReady()) ? 200 : 503);
  return {
    healthz: ready,
    startupz: ready,
    livez: async (c) => {
      try {
        await sidecar.probe();
        return c.body(null, 200);
      } catch (error) {
        if (c.req.query("verbose") === "1") return answerError(c, error);
        c.header("Retry-After", RETRY_AFTER);
        return c.body(null, 503);
      }
    },
    status: async (c) => c.json({ status: (await sidecar.readiness()).ready ? "Ready" : "Initializing" }),
    metrics: async (c) => {
      c.header("Content-Type", sidecar.metrics.contentType);
      return c.body(await sidecar.exposeMetrics());
    },
    submit: async (c) => {
      const submission = await readBody(c.env.incoming, taskSubmission(), bodyLimit);
      const traceparent = c.req.header("traceparent") ?? null;
      return c.json({ id: await sidecar.submit(submission, { by: c.var.by, traceparent }) }, 201);
    },
    list: async (c) => c.json(await sidecar.list()),
    show: async (c) => c.json(await sidecar.show(param(c, "id"))),
    remove: async (c) => {
      await sidecar.remove(param(c, "id"));
      return c.body(null, 204);
    },
    readiness: async (c) => c.json(await sidecar.readiness()),
    decide: async (c) => {
      const change = await readBody(c.env.incoming, gateChange(), bodyLimit);
      return c.json(await sidecar.decide(param(c, "gate"), change, c.var.by));
    },
    openapi: async (c) => c.json(describeApi(version)),
  };
}

/** `/v0/tasks/{id}` as Hono writes it. */
const toPattern = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ":$1");

/** RFC 9110, 15.5.6: a path that is known answers other methods with those that it has. */
function refuseOtherMethods(router: Hono<Env>): void {
  const methods = new Map<string, string[]>();
  for (const { method, path } of Object.values<Route>(SIDECAR_ROUTES)) {
    methods.set(path, [...(methods.get(path) ?? []), method.toUpperCase()]);
  }
  for (const [path, known] of methods) {
    router.all(toPattern(path), (c) => {
      c.set("route", path);
      c.header("Allow", known.join(", "));
      const message = `${c.req.method} is no method of ${c.req.path}; it has ${known.join(" and ")}.`;
      return answerError(c, new WaybillError("method_not_allowed", message));
    });
  }
}

export function createRouter(sidecar: Sidecar, options: ListenOptions): Hono<Env> {
  const { bind, auth, token, log } = options;
  const onRejected = (reason: string): void => sidecar.metrics.rejections.inc({ reason });
  const guard = new Guard({ bind, auth, token, onRejected });
  const router = new Hono<Env>();
  router.onError((error, c) => {
    const { status } = answerTo(error);
    if (status >= 500) log("http.failed", { route: c.var.route, status, error: error.message });
    return answerError(c, error);
  });
  router.notFound((c) => {
    const hint = "GET /v0/openapi.json describes what there is.";
    return answerError(
      c,
      new WaybillError("operation_not_found", `No route is ${c.req.method} ${c.req.path}.`, { hint }),
    );
  });
  router.use(async (c, next) => {
    const startedAt = performance.now();
    c.set("route", "none");
    await next();
    const { method } = c.req;
    const { route } = c.var;
    const status = String(c.res.status);
    sidecar.metrics.requests.observe({ method, route, status }, (performance.now() - startedAt) / 1_000);
    // Whoever changes something is on record; probes and reads would drown it.
    if (method !== "GET") log("http.request", { method, route, path: c.req.path, status: c.res.status, by: c.var.by });
  });
  router.use(async (c, next) => {
    c.set("by", null);
    c.set("by", guard.admit({ path: c.req.path, incoming: c.env.incoming }));
    await next();
  });
  const handlers = handlersOf(sidecar, options);
  for (const [name, { method, path }] of Object.entries<Route>(SIDECAR_ROUTES)) {
    router.on(method.toUpperCase(), toPattern(path), (c) => {
      c.set("route", path);
      return handlers[name as SidecarRouteName](c);
    });
  }
  refuseOtherMethods(router);
  return router;
}
