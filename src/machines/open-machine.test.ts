import { describe, expect, it } from "vitest";
import { localSpec } from "./local/local-fixture.js";
import { openMachine } from "./open-machine.js";

describe("opening a machine", () => {
  it("gives the local one, and refuses ssh with what to do instead", () => {
    const spec = localSpec("/tmp/waybill-not-touched", 1);
    expect(openMachine(spec, {}).spec).toBe(spec);
    expect(() => openMachine({ ...spec, transport: "ssh" }, {})).toThrow(
      expect.objectContaining({ code: "transport_unavailable", hint: expect.stringContaining("next release") }),
    );
  });

  it("refuses a relative work directory", () => {
    expect(() => openMachine(localSpec("here", 1), {})).toThrow(expect.objectContaining({ code: "invalid_inventory" }));
  });
});
