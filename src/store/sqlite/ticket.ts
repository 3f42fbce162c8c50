/** A waiter's ticket in the turnstile's file: 32 bytes, little endian, with a check sum since nothing guards the writing. */
import { randomBytes } from "node:crypto";

export const TICKET_BYTES = 32;

export interface Ticket {
  /** Tells apart two stores of one process, and a process from another that got its pid. */
  readonly id: number;
  /** Since when it waits and when it last said so; milliseconds of the monotonic clock. */
  readonly since: number;
  readonly seen: number;
  /** For people who look at the file. */
  readonly pid: number;
}

/** A non-zero number below 2^48, so that an erased slot is no ticket. */
export const newTicketId = (): number => randomBytes(6).readUIntLE(0, 6) + 1;

/** FNV-1a: enough to tell a whole ticket from a torn one. */
function checksum(bytes: Buffer): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

export function encodeTicket(ticket: Ticket): Buffer {
  const bytes = Buffer.alloc(TICKET_BYTES);
  bytes.writeDoubleLE(ticket.id, 0);
  bytes.writeDoubleLE(ticket.since, 8);
  bytes.writeDoubleLE(ticket.seen, 16);
  bytes.writeUInt32LE(ticket.pid, 24);
  bytes.writeUInt32LE(checksum(bytes.subarray(0, 28)), 28);
  return bytes;
}

/** @returns the whole tickets of a file with the slots they are in; what is erased, torn or not a ticket is left out. */
export function decodeTickets(file: Buffer): (Ticket & { readonly slot: number })[] {
  const tickets: (Ticket & { readonly slot: number })[] = [];
  for (let slot = 0; (slot + 1) * TICKET_BYTES <= file.length; slot += 1) {
    const bytes = file.subarray(slot * TICKET_BYTES, (slot + 1) * TICKET_BYTES);
    const id = bytes.readDoubleLE(0);
    if (id === 0 || bytes.readUInt32LE(28) !== checksum(bytes.subarray(0, 28))) continue;
    tickets.push({ slot, id, since: bytes.readDoubleLE(8), seen: bytes.readDoubleLE(16), pid: bytes.readUInt32LE(24) });
  }
  return tickets;
}
