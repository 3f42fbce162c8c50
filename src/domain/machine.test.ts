import { describe, expect, it } from "vitest";
import { DEFAULT_SSH, fromStored, type StoredMachineSpec } from "./machine.js";

const stored: StoredMachineSpec = {
  name: "gpu",
  transport: "ssh",
  host: "gpu.lan",
  user: null,
  port: null,
  os: "linux",
  tags: [],
  slots: 1,
  workDir: "~/.waybill",
  env: {},
};

describe("a machine that an older version recorded", () => {
  it("is reached by ssh with the defaults", () => {
    expect(fromStored(stored)).toEqual({ ...stored, ssh: DEFAULT_SSH });
  });

  it("has no ssh when it is not reached by it", () => {
    expect(fromStored({ ...stored, transport: "local" }).ssh).toBeNull();
  });

  it("keeps what was recorded", () => {
    const ssh = { ...DEFAULT_SSH, proxyJump: "door" };

    expect(fromStored({ ...stored, ssh }).ssh).toEqual(ssh);
  });
});
