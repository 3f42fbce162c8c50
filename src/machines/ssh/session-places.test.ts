import { describe, expect, it } from "vitest";
import { type Place, type SessionKind, SessionPlaces } from "./session-places.js";

/** Whether a promise is settled once everything that is due has been done. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const mark = (): void => {
    settled = true;
  };
  promise.then(mark, mark);
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

const take = (places: SessionPlaces, kind: SessionKind, count: number): Promise<Place[]> =>
  Promise.all(Array.from({ length: count }, () => places.enter(kind)));

describe("places for the sessions of a connection", () => {
  it("are fewer than the ten that a server allows, over all kinds", async () => {
    const places = new SessionPlaces();
    const held = [...(await take(places, "quick", 3)), ...(await take(places, "long", 3))];
    held.push(...(await take(places, "lasting", 2)));
    expect(new Set(held.map(({ lane }) => lane.number))).toEqual(new Set([0]));
    expect(await isSettled(places.enter("quick"))).toBe(false);
    expect(await isSettled(places.enter("long"))).toBe(false);
  });

  it("go to those who wait in the order in which they came, one for each that is given back", async () => {
    const places = new SessionPlaces();
    const [first] = await take(places, "quick", 3);
    const second = places.enter("quick");
    const third = places.enter("quick");
    first?.leave();
    first?.leave();
    expect(await isSettled(second)).toBe(true);
    expect(await isSettled(third)).toBe(false);
    (await second).leave();
    expect(await isSettled(third)).toBe(true);
  });

  it("are free again when nobody waits", async () => {
    const places = new SessionPlaces();
    for (const place of await take(places, "long", 3)) place.leave();
    expect(await take(places, "long", 3)).toHaveLength(3);
  });

  it("are not waited for by what lasts, which goes to another connection and comes back", async () => {
    const places = new SessionPlaces();
    const held = await take(places, "lasting", 5);
    expect(held.map(({ lane }) => lane.number)).toEqual([0, 0, 1, 1, 2]);
    held[1]?.leave();
    expect((await places.enter("lasting")).lane.number).toBe(0);
  });

  it("are not given to whoever stopped waiting", async () => {
    const places = new SessionPlaces();
    const [held] = await take(places, "quick", 3);
    const given = new AbortController();
    const impatient = places.enter("quick", given.signal);
    const patient = places.enter("quick");
    given.abort(new Error("not wanted any more"));
    await expect(impatient).rejects.toThrow("not wanted any more");
    held?.leave();
    expect(await isSettled(patient)).toBe(true);
  });
});
