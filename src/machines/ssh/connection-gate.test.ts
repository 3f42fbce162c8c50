import { describe, expect, it } from "vitest";
import { ConnectionGate } from "./connection-gate.js";

/** Whether `promise` has settled by the time that all that is due now has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(
    () => (settled = true),
    () => (settled = true),
  );
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

describe("the gate before a connection", () => {
  it("lets one request open it while the others wait, and all of them once it stands", async () => {
    const gate = new ConnectionGate();
    const first = await gate.enter();
    const others = Promise.all([gate.enter(), gate.enter()]);
    expect(await isSettled(others)).toBe(false);
    first.passed();
    expect(await isSettled(others)).toBe(true);
  });

  it("tells whoever waited why there is no connection, and rests", async () => {
    const gate = new ConnectionGate();
    const error = new Error("no route");
    const first = await gate.enter();
    const second = gate.enter();
    first.failed(error);
    await expect(second).rejects.toBe(error);
    await expect(gate.enter()).rejects.toBe(error);
  });

  it("learns nothing from a request that is over before it was answered: the next one opens the connection", async () => {
    const gate = new ConnectionGate();
    const first = await gate.enter();
    const second = gate.enter();
    first.left();
    first.failed(new Error("told too late"));
    const pass = await second;
    const third = gate.enter();
    expect(await isSettled(third)).toBe(false);
    pass.passed();
    await third;
  });
});
