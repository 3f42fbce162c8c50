/** A network of its own for a server: a namespace, and a virtual cable to it that can be pulled (Linux, root, iproute2). */
import { execFileSync } from "node:child_process";

const ip = (...args: readonly string[]): string => execFileSync("ip", args, { encoding: "utf8", stdio: "pipe" });

export class NetworkLink {
  readonly namespace: string;
  /** Where a server in the namespace is reached. */
  readonly address: string;
  readonly #cable: string;

  private constructor(namespace: string, cable: string, address: string) {
    this.namespace = namespace;
    this.#cable = cable;
    this.address = address;
  }

  /** Null where this cannot be made: without rights, or without iproute2. The caller removes it. */
  static make(): NetworkLink | null {
    // One of the 64 networks of four addresses in the range that is kept for examples (RFC 5737).
    const base = 4 * (process.pid % 64);
    const namespace = `wb-test-${process.pid}`;
    const cable = `wbt${process.pid}`;
    const link = new NetworkLink(namespace, cable, `192.0.2.${base + 2}`);
    try {
      ip("netns", "add", namespace);
      ip("link", "add", cable, "type", "veth", "peer", "name", "inside", "netns", namespace);
      ip("address", "add", `192.0.2.${base + 1}/30`, "dev", cable);
      ip("-n", namespace, "address", "add", `${link.address}/30`, "dev", "inside");
      for (const name of ["lo", "inside"]) ip("-n", namespace, "link", "set", name, "up");
      link.up();
      return link;
    } catch {
      // Whatever is missing, there is no such network here, and the title of the test says so.
      link.remove();
      return null;
    }
  }

  down(): void {
    ip("link", "set", this.#cable, "down");
  }

  up(): void {
    ip("link", "set", this.#cable, "up");
  }

  remove(): void {
    for (const args of [
      ["link", "del", this.#cable],
      ["netns", "del", this.namespace],
    ]) {
      try {
        ip(...args);
      } catch {
        // It was not made, or went with the other end.
      }
    }
  }
}
