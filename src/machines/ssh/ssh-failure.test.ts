import { describe, expect, it } from "vitest";
import { DEFAULT_SSH, type MachineSpec } from "../../domain/machine.js";
import { failureOf } from "./ssh-failure.js";

const FAR: MachineSpec = {
  name: "far",
  transport: "ssh",
  host: "far.example",
  user: null,
  port: null,
  ssh: DEFAULT_SSH,
  os: "linux",
  tags: [],
  slots: 1,
  workDir: "~/.waybill",
  env: {},
};

const CHANGED = `@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
Host key for far.example has changed and you have requested strict checking.
Host key verification failed.\r\n`;

describe("what ssh says", () => {
  it.each([
    [CHANGED, "host_key_mismatch"],
    ["No ED25519 host key is known for far.example and you have requested strict checking.\r\n", "host_key_mismatch"],
    ["ann@far.example: Permission denied (publickey).\r\n", "auth_failed"],
    ["Received disconnect from 10.0.0.1: Too many authentication failures", "auth_failed"],
    ["/home/ann/.ssh/config: line 3: Bad configuration option: nonsense\r\n", "invalid_inventory"],
    ["ssh: connect to host far.example port 22: Connection refused\r\n", "machine_unreachable"],
    ["ssh: Could not resolve hostname far.example: Name or service not known\r\n", "machine_unreachable"],
    ["Connection timed out during banner exchange\r\n", "machine_unreachable"],
    ["", "machine_unreachable"],
  ])("as %j is %s", (said, code) => {
    expect(failureOf(FAR, said, "there is no connection")).toMatchObject({ code, details: { machine: "far" } });
  });

  it("is passed on without its frame and line ends", () => {
    const { message, details } = failureOf(FAR, CHANGED, "there is no connection");
    expect(message).toContain("ssh says: WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! / Host key for");
    expect(details.ssh).toHaveLength(3);
  });
});
