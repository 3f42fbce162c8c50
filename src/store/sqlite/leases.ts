import { isTakeable, type Lease, type ProcessIdentity } from "../../domain/lease.js";
import { OWNER_LEASES } from "../../domain/worker.js";
import type { LeaseAnswer, LeaseRequest, LeaseStore } from "../lease-store.js";
import { nextOf } from "./counters.js";
import type { SqlParams } from "./driver.js";
import { appendEvent } from "./event-log.js";
import { keepLease } from "./lease-keeping.js";
import { leaseFromRow } from "./rows.js";
import type { Session, SqlScope } from "./session.js";

const UPSERT = `
  INSERT INTO leases
    (name, fence, holder_host, holder_boot, holder_pid, holder_pid_start, purpose, acquired_at, expires_at)
  VALUES ($name, $fence, $host, $boot, $pid, $pid_start, $purpose, $acquired_at, $expires_at)
  ON CONFLICT (name) DO UPDATE SET
    fence = excluded.fence, holder_host = excluded.holder_host, holder_boot = excluded.holder_boot,
    holder_pid = excluded.holder_pid, holder_pid_start = excluded.holder_pid_start, purpose = excluded.purpose,
    acquired_at = excluded.acquired_at, expires_at = excluded.expires_at`;

export const RENEW = `
  UPDATE leases SET expires_at = $expires_at
  WHERE name = $name AND fence = $fence AND holder_host IS NOT NULL
  RETURNING *`;

const VACATE = `
  UPDATE leases SET holder_host = NULL, holder_boot = NULL, holder_pid = NULL, holder_pid_start = NULL
  WHERE name = $name AND fence = $fence AND holder_host IS NOT NULL`;

/** What names an owner is never taken again, so that nothing of it has to be kept. */
const FORGET = "DELETE FROM leases WHERE name = $name AND fence = $fence AND holder_host IS NOT NULL";
const LEAVE = "UPDATE workers SET left_at = $now WHERE owner = $fence";

/** U+10FFFF sorts after every other character in UTF-8, the order of SQLite's BINARY collation. */
export const LEASES_BY_PREFIX = `
  SELECT * FROM leases
  WHERE holder_host IS NOT NULL AND name >= $prefix AND name < $prefix || char(0x10FFFF) ORDER BY name`;

const holderParams = ({ host, boot, pid, pidStart }: ProcessIdentity): SqlParams => ({
  host,
  boot,
  pid,
  pid_start: pidStart,
});

const byName = (a: Lease, b: Lease): number => (a.name < b.name ? -1 : 1);

/** The lease that is held under `name`, live or not. */
export function readLease(session: SqlScope, name: string): Lease | null {
  const row = session.sql("SELECT * FROM leases WHERE name = $name").get({ name });
  return row === undefined ? null : leaseFromRow(row);
}

/** Gives a lease back inside a write; false when it was not held under this fence. */
export function vacateLease(session: SqlScope, name: string, fence: number): boolean {
  const isOwner = OWNER_LEASES.some((prefix) => name.startsWith(prefix));
  if (session.sql(isOwner ? FORGET : VACATE).run({ name, fence }) === 0) return false;
  if (isOwner) session.sql(LEAVE).run({ fence, now: session.now() });
  appendEvent(session, { type: "lease.released", subject: name, data: { fence } });
  return true;
}

/** See `LeaseStore.acquireLease`. To be called inside a write. */
export function takeLease(session: SqlScope, request: LeaseRequest): LeaseAnswer {
  const { name, holder, purpose, ttlMs, provedDeadFence } = request;
  const now = session.now();
  const held = readLease(session, name);
  const proved = held !== null && held.fence === provedDeadFence;
  if (held !== null && !isTakeable(held, now, proved ? "dead" : "unknown")) return { won: false, lease: held };
  const fence = nextOf(session, "fence");
  const lease: Lease = { name, fence, holder, purpose, acquiredAt: now, expiresAt: now + ttlMs };
  const times = { acquired_at: now, expires_at: lease.expiresAt };
  session.sql(UPSERT).run({ name, fence, purpose, ...holderParams(holder), ...times });
  const data = { fence, host: holder.host, pid: holder.pid, purpose, superseded_fence: held?.fence ?? null };
  appendEvent(session, { type: "lease.acquired", subject: name, data });
  return { won: true, lease };
}

export function sqliteLeases(session: Session): LeaseStore {
  return {
    acquireLease: (request) => session.write(() => takeLease(session, request)),
    renewLeases: (leases, ttlMs) =>
      session.write(() => {
        const expiresAt = session.now() + ttlMs;
        return leases
          .flatMap(({ name, fence }) => session.sql(RENEW).all({ name, fence, expires_at: expiresAt }))
          .flatMap((row) => leaseFromRow(row) ?? [])
          .sort(byName);
      }),
    keepLease: (lease, options) => keepLease(session, RENEW, lease, options),
    releaseLease: (name, fence) => session.write(() => vacateLease(session, name, fence)),
    getLease: (name) => session.read(() => readLease(session, name)),
    listLeases: (prefix) =>
      session.read(() =>
        session
          .sql(LEASES_BY_PREFIX)
          .all({ prefix })
          .flatMap((row) => leaseFromRow(row) ?? []),
      ),
  };
}
