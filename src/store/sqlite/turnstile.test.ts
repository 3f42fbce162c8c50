import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { decodeTickets, encodeTicket, newTicketId, TICKET_BYTES } from "./ticket.js";
import { Turnstile } from "./turnstile.js";

let directory: string;
let path: string;
let open: Turnstile[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "waybill-queue-"));
  path = join(directory, "queue");
  open = [];
  now = 1_000;
});
afterEach(() => {
  for (const turnstile of open) turnstile.close();
  rmSync(directory, { recursive: true });
});
let now: number;
const turnstile = (): Turnstile => {
  const made = new Turnstile(path, () => now);
  open.push(made);
  return made;
};

describe("the turnstile", () => {
  it("lets the oldest waiter try, and the next one once it has left", () => {
    const [first, second] = [turnstile(), turnstile()];
    first.enter();
    now += 1;
    second.enter();
    expect([first.mayTry(), second.mayTry()]).toEqual([true, false]);
    first.leave();
    expect(second.mayTry()).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("asks who has held the lock for its quantum to step back while somebody waits", () => {
    const [holder, waiter] = [turnstile(), turnstile()];
    const write = (): boolean => {
      const started = holder.mark();
      now += 1;
      holder.released(started);
      waiter.mayTry();
      return holder.shouldStepBack();
    };
    waiter.enter();
    expect(Array.from({ length: 6 }, write)).toEqual([false, false, false, false, true, false]);
    waiter.leave();
    expect(Array.from({ length: 20 }, write)).toEqual(Array(20).fill(false));
  });

  it("asks nobody to step back who left a fair gap", () => {
    const [holder, waiter] = [turnstile(), turnstile()];
    waiter.enter();
    for (let round = 0; round < 20; round += 1) {
      const started = holder.mark();
      now += 1;
      holder.released(started);
      waiter.mayTry();
      now += 3;
      expect(holder.shouldStepBack()).toBe(false);
    }
  });

  it("does not count a ticket that is not renewed: its process is dead or stopped", () => {
    const [first, second] = [turnstile(), turnstile()];
    first.enter();
    now += 30;
    second.enter();
    now += 19;
    expect(second.mayTry()).toBe(false);
    now += 1;
    expect(second.mayTry()).toBe(true);
  });

  it("lets a waiter try from time to time whatever the tickets say", () => {
    const [first, second] = [turnstile(), turnstile()];
    first.enter();
    now += 1;
    second.enter();
    const tries = Array.from({ length: 10 }, () => {
      now += 10;
      first.mayTry();
      return second.mayTry();
    });
    expect(tries.filter(Boolean)).toHaveLength(2);
  });

  it("does without a file that cannot be written or makes no sense", () => {
    writeFileSync(path, Buffer.alloc(2_048, 0x5a));
    const confused = turnstile();
    confused.enter();
    expect(confused.mayTry()).toBe(true);
    const nowhere = new Turnstile(join(directory, "missing", "queue"));
    nowhere.enter();
    expect(nowhere.mayTry()).toBe(true);
    expect(nowhere.shouldStepBack()).toBe(false);
    nowhere.leave();
    nowhere.close();
  });

  it("leaves no ticket behind", () => {
    const one = turnstile();
    one.enter();
    expect(decodeTickets(readFileSync(path))).toHaveLength(1);
    one.leave();
    expect(decodeTickets(readFileSync(path))).toEqual([]);
  });
});

describe("a ticket", () => {
  it("is read as it was written, from its slot", () => {
    const ticket = { id: newTicketId(), since: 12.5, seen: 99.25, pid: 4711 };
    const file = Buffer.concat([Buffer.alloc(TICKET_BYTES), encodeTicket(ticket), Buffer.alloc(7)]);
    expect(decodeTickets(file)).toEqual([{ ...ticket, slot: 1 }]);
  });

  it("with any byte changed is none", () => {
    const whole = encodeTicket({ id: newTicketId(), since: 1, seen: 2, pid: 3 });
    fc.assert(
      fc.property(fc.nat(TICKET_BYTES - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const torn = Buffer.from(whole);
        torn.writeUInt8((torn.readUInt8(at) ^ flip) & 0xff, at);
        expect(decodeTickets(torn)).toEqual([]);
      }),
    );
  });
});
