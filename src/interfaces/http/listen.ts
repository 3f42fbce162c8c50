/** The HTTP server in front of a sidecar, with limits for those who are slow, large or gone. */
import { once } from "node:events";
import { createServer, type Server, type ServerOptions } from "node:http";
import { type AddressInfo, isIP } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { Listening, ListenOptions } from "../../app/sidecar/service.js";
import type { Sidecar } from "../../app/sidecar/sidecar.js";
import { WaybillError } from "../../domain/errors.js";
import { createRouter } from "./v0/router.js";

/** Milliseconds and bytes; those of the API's first implementation. */
const LIMITS = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 60_000,
  maxHeaderSize: 32 * 1024,
  // How often Node looks for those that have passed a time limit.
  connectionsCheckingInterval: 1_000,
} as const satisfies ServerOptions;

/** Between two looks for connections that have become idle while the server closes; milliseconds. */
const IDLE_LOOK_MS = 50;

/** Errors: `address_unavailable`. */
export async function listen(sidecar: Sidecar, options: ListenOptions): Promise<Listening> {
  const { fetch } = createRouter(sidecar, options);
  const server = createServer(LIMITS, getRequestListener(fetch, { overrideGlobalObjects: false }));
  const { bind, port } = options;
  server.listen({ host: bind, port });
  try {
    await once(server, "listening");
  } catch (cause) {
    throw new WaybillError(
      "address_unavailable",
      `Nothing can listen on ${bind} port ${port}: ${(cause as Error).message}.`,
      {
        hint: "Choose another --port (0 takes any free one), or end what listens there.",
        details: { bind, port },
        cause,
      },
    );
  }
  // Such as too many open files while a connection comes in: that one is lost, the server goes on.
  server.on("error", (error) => options.log("http.accept_failed", { error: error.message }));
  return { url: urlOf(bind, server.address() as AddressInfo), close: () => close(server) };
}

const urlOf = (bind: string, { port }: AddressInfo): string =>
  `http://${isIP(bind) === 6 ? `[${bind}]` : bind}:${port}`;

/** Requests under way are answered; a client that keeps its connection without asking does not hold the server up. */
async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  const looks = setInterval(() => server.closeIdleConnections(), IDLE_LOOK_MS);
  const end = setTimeout(() => server.closeAllConnections(), LIMITS.requestTimeout);
  await closed;
  clearInterval(looks);
  clearTimeout(end);
}
