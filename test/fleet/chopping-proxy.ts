/** A TCP proxy between client and server that breaks connections in the ways in which networks break them. */
import { connect, createServer, type Server, type Socket } from "node:net";
import type { SeededRandom } from "../crash/seeded-random.js";

/** Both ways closed; one way closed; silence for a while and then a reset. */
const CHOPS = ["closed", "half closed", "stalled"] as const;
export type Chop = (typeof CHOPS)[number];

/** How long a connection is silent before it is reset; milliseconds. */
const STALL_MS = { least: 500, most: 4_000 } as const;

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  readonly since: number;
}

export class ChoppingProxy {
  readonly #listener: Server;
  readonly #pairs = new Set<Pair>();
  /** What was broken once is not broken again while it lasts. */
  readonly #broken = new WeakSet<Pair>();

  private constructor(listener: Server) {
    this.#listener = listener;
  }

  /** Listens on a free port of loopback and passes everything to `port` there. The caller closes it. */
  static async start(port: number): Promise<ChoppingProxy> {
    const listener = createServer({ allowHalfOpen: true });
    const proxy = new ChoppingProxy(listener);
    listener.on("connection", (client) => proxy.#join(client, port));
    await new Promise<void>((resolve, reject) => {
      listener.once("error", reject);
      listener.listen(0, "127.0.0.1", resolve);
    });
    return proxy;
  }

  get port(): number {
    const address = this.#listener.address();
    if (address === null || typeof address === "string") throw new Error("The proxy does not listen.");
    return address.port;
  }

  /** Breaks one of the connections that have lived for so long; null when there is none. */
  chop(random: SeededRandom, leastAgeMs: number): Chop | null {
    const old = performance.now() - leastAgeMs;
    const [first, ...others] = [...this.#pairs].filter((pair) => pair.since <= old && !this.#broken.has(pair));
    if (first === undefined) return null;
    const pair = random.pick([first, ...others]);
    const chop = random.pick(CHOPS);
    if (chop === "closed") reset(pair);
    if (chop === "half closed") random.pick([pair.client, pair.server]).end();
    if (chop === "stalled") stall(pair, STALL_MS.least + random.below(STALL_MS.most - STALL_MS.least));
    this.#broken.add(pair);
    return chop;
  }

  close(): void {
    this.#listener.close();
    for (const pair of this.#pairs) reset(pair);
  }

  #join(client: Socket, port: number): void {
    const server = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const pair = { client, server, since: performance.now() };
    this.#pairs.add(pair);
    for (const socket of [client, server]) {
      // A side that breaks takes the other with it.
      socket.on("error", () => reset(pair));
      socket.on("close", () => {
        this.#pairs.delete(pair);
        reset(pair);
      });
    }
    client.pipe(server);
    server.pipe(client);
  }
}

function reset({ client, server }: Pair): void {
  client.resetAndDestroy();
  server.resetAndDestroy();
}

function stall(pair: Pair, forMs: number): void {
  pair.client.unpipe(pair.server);
  pair.server.unpipe(pair.client);
  pair.client.pause();
  pair.server.pause();
  setTimeout(() => reset(pair), forMs).unref();
}
