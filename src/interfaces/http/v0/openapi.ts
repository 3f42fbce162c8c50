/** The description of the sidecar API, from its table of routes. */
import * as z from "zod";
import { type Answer, type Route, SIDECAR_ROUTES } from "../../../contracts/sidecar-routes.js";

type Json = Readonly<Record<string, unknown>>;

/** Seconds, as the header says it. */
export const RETRY_AFTER = "1";

/** Schemas with a name, each once; whoever mentions one refers to it. */
class Components {
  readonly schemas: Record<string, unknown> = {};

  /** The schema as a reference where it has a name; what it refers to is taken in as well. */
  take(schema: z.ZodType, io: "input" | "output"): Json {
    const { $schema: _, $defs = {}, ...rest } = rewritten(z.toJSONSchema(schema, { io }));
    Object.assign(this.schemas, $defs);
    return rest;
  }
}

/** References lead into the document's components instead of the schema's own definitions. */
const rewritten = (schema: unknown): Json & { readonly $defs?: Json } =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/'));

function contentOf({ body }: Answer, components: Components): Json {
  if (body === null) return {};
  if (body === "text") return { content: { "text/plain": { schema: { type: "string" } } } };
  if (body === "openapi") return { content: { "application/json": { schema: { type: "object" } } } };
  return { content: { "application/json": { schema: components.take(body(), "output") } } };
}

function describeAnswer(answer: Answer, components: Components): Json {
  const { description, retryAfter } = answer;
  const schema = { type: "string", const: RETRY_AFTER };
  const headers = retryAfter === true ? { headers: { "Retry-After": { description: "seconds", schema } } } : {};
  return { description, ...headers, ...contentOf(answer, components) };
}

function describeRoute(name: string, route: Route, components: Components): Json {
  const { summary, open, parameters, request, answers } = route;
  const body = request === null ? null : components.take(request(), "input");
  return {
    operationId: name,
    summary,
    ...(open ? { security: [] } : {}),
    ...(parameters.length === 0
      ? {}
      : {
          parameters: parameters.map((one) => ({
            ...one,
            required: one.in === "path",
            schema: { type: "string" },
          })),
        }),
    ...(body === null ? {} : { requestBody: { required: true, content: { "application/json": { schema: body } } } }),
    responses: Object.fromEntries(
      Object.entries(answers).map(([status, answer]) => [status, describeAnswer(answer, components)]),
    ),
  };
}

/** An OpenAPI 3.1 document. */
export function describeApi(version: string): Json {
  const components = new Components();
  const paths: Record<string, Record<string, Json>> = {};
  for (const [name, route] of Object.entries<Route>(SIDECAR_ROUTES)) {
    paths[route.path] = { ...paths[route.path], [route.method]: describeRoute(name, route, components) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Waybill sidecar",
      version,
      summary: "Tasks of a service, executed beside it.",
      description:
        "Requests that break the rules of HTTP itself (headers over 32 KiB, no whole request within 10 s) are answered by the server with 4xx and no JSON.",
    },
    security: [{ token: [] }, { trustedHeader: [] }],
    paths,
    components: {
      schemas: components.schemas,
      securitySchemes: {
        token: { type: "http", scheme: "bearer" },
        trustedHeader: { type: "apiKey", in: "header", name: "X-Remote-User" },
      },
    },
  };
}
