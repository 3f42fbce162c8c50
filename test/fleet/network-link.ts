/** A network of its own for a server: a namespace, and a virtual cable to it that can be pulled (Linux, root, iproute2). */
import { execFileSync } from "node:child_process";
import { isAlive } from "../harness/processes.js";

const NAMESPACE = "wb-test-";
const CABLE = "wbt";

const ip = (...args: readonly string[]): string => execFileSync("ip", args, { encoding: "utf8", stdio: "pipe" });

export class NetworkLink {
  readonly namespace: string;
  /** Where a server in the namespace is reached. */
  readonly address: string;
  readonly #cable: string;

  private constructor(pid: number, address: string) {
    this.namespace = `${NAMESPACE}${pid}`;
    this.#cable = `${CABLE}${pid}`;
    this.address = address;
  }

  /** Null where this cannot be made: without rights, or without iproute2. The caller removes it. */
  static make(): NetworkLink | null {
    removeForsaken();
    const base = freeBase();
    const link = new NetworkLink(process.pid, `192.0.2.${base + 2}`);
    const { namespace } = link;
    const cable = link.#cable;
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
    removeLinkOf(process.pid);
  }
}

function removeLinkOf(pid: number): void {
  for (const args of [
    ["link", "del", `${CABLE}${pid}`],
    ["netns", "del", `${NAMESPACE}${pid}`],
  ]) {
    try {
      ip(...args);
    } catch {
      // It was not made, or went with the other end.
    }
  }
}

/** Tests that were killed leave their network behind: a later one with the same addresses would not be reached. */
function removeForsaken(): void {
  for (const { groups } of said("netns", "list").matchAll(new RegExp(`^${NAMESPACE}(?<pid>\\d+)`, "gm"))) {
    const pid = Number(groups?.pid);
    if (!isAlive(pid)) removeLinkOf(pid);
  }
}

/** The begin of one of the 64 networks of four addresses in the range that is kept for examples (RFC 5737), unused here. */
function freeBase(): number {
  const used = new Set(
    [...said("-o", "-4", "address").matchAll(/ 192\.0\.2\.(\d+)\//g)].map(([, last]) => Number(last) >> 2),
  );
  const free = Array.from({ length: 64 }, (_, n) => (process.pid + n) % 64).find((n) => !used.has(n));
  return 4 * (free ?? 0);
}

/** Empty without iproute2. */
function said(...args: readonly string[]): string {
  try {
    return ip(...args);
  } catch {
    return "";
  }
}
