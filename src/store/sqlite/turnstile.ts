/**
 * Fairness between processes that write to one file.
 *
 * SQLite's lock has no queue: a busy writer takes it again microseconds after letting go, and a waiter that sleeps
 * between its tries may find it taken for seconds. So waiters leave a ticket in a small file beside the database, and
 * a process that had the lock for its quantum looks there and steps back until the others had theirs; among waiters
 * the oldest tries often, the rest stand by.
 *
 * All of it is advice. SQLite's lock alone decides who writes, so a lost, torn, stale or forged ticket can cost
 * fairness and time (bounded by `TICKET_LIFE_MS`) but never correctness, and whoever cannot write the file does without.
 */
import { closeSync, existsSync, openSync, readSync, writeSync } from "node:fs";
import { decodeTickets, encodeTicket, newTicketId, TICKET_BYTES, type Ticket } from "./ticket.js";

const SLOTS = 64;
/** How long a process writes before it looks whether somebody waits. Handing over costs up to a millisecond. */
const QUANTUM_MS = 5;
/** A pause this long between two groups was a fair chance for a waiter that tries every millisecond. */
const FAIR_GAP_MS = 2;
/** A ticket that was not renewed for so long is that of a dead or stopped process. */
const TICKET_LIFE_MS = 50;
const RENEW_MS = 10;
/** Even when its turn never seems to come a waiter tries this often, so that bad tickets cannot lock it out. */
const LATEST_TRY_MS = 50;

/** Milliseconds on the clock that all processes of this boot share. */
const sharedNow = (): number => {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1e6;
};

export class Turnstile {
  readonly #path: string;
  readonly #now: () => number;
  readonly #id = newTicketId();
  readonly #file = Buffer.alloc(SLOTS * TICKET_BYTES);
  #fd: number | null = null;
  #broken = false;
  #slot = 0;
  #waitingSince: number | null = null;
  #renewedAt = 0;
  #triedAt = 0;
  #holdingSince = 0;
  #releasedAt = 0;

  /**
   * @param path the side file, made with mode 0600 when this process first has to wait.
   * @param now milliseconds on a clock that all processes share and that nobody sets.
   */
  constructor(path: string, now: () => number = sharedNow) {
    this.#path = path;
    this.#now = now;
  }

  /** Call when a group was committed; `startedAt` is its `mark()`. */
  released(startedAt: number): void {
    if (startedAt - this.#releasedAt > FAIR_GAP_MS) this.#holdingSince = startedAt;
    this.#releasedAt = this.#now();
  }

  mark(): number {
    return this.#now();
  }

  /** Whether this process had its quantum and somebody waits. Looks at the file once per quantum. */
  shouldStepBack(): boolean {
    const now = this.#now();
    if (now - this.#releasedAt > FAIR_GAP_MS || now - this.#holdingSince < QUANTUM_MS) return false;
    this.#holdingSince = now;
    if (this.#fd === null && !existsSync(this.#path)) return false;
    return this.#liveTickets(now).length > 0;
  }

  /** Takes a ticket, unless this process has one. */
  enter(): void {
    if (this.#waitingSince !== null) return;
    const now = this.#now();
    this.#waitingSince = now;
    this.#triedAt = now;
    this.#renewedAt = 0;
    this.#slot = this.#freeSlot(now);
    this.#renew(now);
  }

  /** Renews the ticket and says whether to try now: it is the oldest, or has waited long enough since its last try. */
  mayTry(): boolean {
    const since = this.#waitingSince;
    const now = this.#now();
    if (since === null || this.#broken) return true;
    this.#renew(now);
    const oldest = this.#liveTickets(now).every((t) => since < t.since || (since === t.since && this.#id < t.id));
    if (!oldest && now - this.#triedAt < LATEST_TRY_MS) return false;
    this.#triedAt = now;
    return true;
  }

  /** Gives the ticket back: the lock was taken, or the wait is over. */
  leave(): void {
    if (this.#waitingSince === null) return;
    this.#waitingSince = null;
    this.#holdingSince = this.#now();
    this.#releasedAt = this.#holdingSince;
    this.#put(Buffer.alloc(TICKET_BYTES));
  }

  close(): void {
    this.leave();
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
    this.#broken = true;
  }

  #renew(now: number): void {
    if (now - this.#renewedAt < RENEW_MS || this.#waitingSince === null) return;
    // Two processes may have chosen one slot at the same time; the one that was overwritten moves on.
    const taken = this.#live(this.#tickets(), now).some((t) => t.slot === this.#slot && t.id !== this.#id);
    if (taken) this.#slot = this.#freeSlot(now);
    this.#renewedAt = now;
    this.#put(encodeTicket({ id: this.#id, since: this.#waitingSince, seen: now, pid: process.pid }));
  }

  #freeSlot(now: number): number {
    const taken = new Set(this.#live(this.#tickets(), now).map((t) => t.slot));
    for (let step = 0; step < SLOTS; step += 1) {
      const slot = (process.pid + step) % SLOTS;
      if (!taken.has(slot)) return slot;
    }
    return process.pid % SLOTS;
  }

  /** Tickets of others that were renewed lately. */
  #liveTickets(now: number): Ticket[] {
    return this.#live(this.#tickets(), now).filter((t) => t.id !== this.#id);
  }

  #live<T extends Ticket>(tickets: readonly T[], now: number): T[] {
    return tickets.filter((t) => t.since <= now && now - t.seen < TICKET_LIFE_MS);
  }

  #tickets(): ReturnType<typeof decodeTickets> {
    const fd = this.#open();
    if (fd === null) return [];
    try {
      return decodeTickets(this.#file.subarray(0, readSync(fd, this.#file, 0, this.#file.length, 0)));
    } catch {
      // Unreadable advice is no advice: without it, waiters merely fall back to trying in turn.
      this.#broken = true;
      return [];
    }
  }

  #put(bytes: Buffer): void {
    const fd = this.#open();
    if (fd === null) return;
    try {
      writeSync(fd, bytes, 0, bytes.length, this.#slot * TICKET_BYTES);
    } catch {
      // A full disk or a file made read-only: this process then waits without a ticket.
      this.#broken = true;
    }
  }

  #open(): number | null {
    if (this.#fd !== null || this.#broken) return this.#fd;
    try {
      if (!existsSync(this.#path)) closeSync(openSync(this.#path, "a", 0o600));
      this.#fd = openSync(this.#path, "r+");
    } catch {
      // A directory in which this user may not write: fairness is lost, writing is not.
      this.#broken = true;
    }
    return this.#fd;
  }
}
