import { describe, expect, it } from "vitest";
import { localSpec } from "./local/local-fixture.js";
import { machineOpener } from "./open-machine.js";

describe("opening a machine", () => {
  it("gives the same machine for the same entry, whatever it is reached by", () => {
    const open = machineOpener({});
    const spec = localSpec("/tmp/waybill-not-touched", 1);
    expect(open(spec).spec).toBe(spec);
    expect(open({ ...spec })).toBe(open(spec));
    const remote = { ...spec, transport: "ssh", host: "nowhere.invalid" } as const;
    expect(open(remote)).toBe(open({ ...remote }));
    expect(open(remote)).not.toBe(open(spec));
  });

  it("refuses a relative work directory", () => {
    expect(() => machineOpener({})(localSpec("here", 1))).toThrow(
      expect.objectContaining({ code: "invalid_inventory" }),
    );
  });
});
