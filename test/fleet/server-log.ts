/** What an ssh server wrote about its sessions (with `LogLevel VERBOSE`). */
import { readFileSync } from "node:fs";
import type { Sshd } from "../../src/machines/ssh/sshd-fixture.js";

export interface SeenSessions {
  /** Connections that logged in. */
  readonly connections: number;
  /** The most sessions that one connection had at the same time. */
  readonly mostAtOnce: number;
  /** Sessions in all. */
  readonly sessions: number;
  /** Sessions that were asked for and refused, since the connection had as many as the server allows. */
  readonly refused: number;
}

export function sessionsOf({ logFile }: Sshd): SeenSessions {
  const lines = readFileSync(logFile, "utf8").split("\n");
  const open = new Map<string, number>();
  let mostAtOnce = 0;
  let sessions = 0;
  for (const line of lines) {
    const [, what, port = ""] = /^(Starting|Close) session: .*\bport (\d+)/.exec(line) ?? [];
    if (what === undefined) continue;
    const now = (open.get(port) ?? 0) + (what === "Starting" ? 1 : -1);
    open.set(port, now);
    mostAtOnce = Math.max(mostAtOnce, now);
    if (what === "Starting") sessions += 1;
  }
  const count = (pattern: RegExp): number => lines.filter((line) => pattern.test(line)).length;
  return { connections: count(/^Accepted publickey/), mostAtOnce, sessions, refused: count(/no more sessions/) };
}
