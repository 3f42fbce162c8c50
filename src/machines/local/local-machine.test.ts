import { join } from "node:path";
import { describe, it } from "vitest";
import { describeMachine } from "../conformance/machine-conformance.js";
import { findTool, localMachine, onlyTools } from "./local-fixture.js";

const SHELLS = [["dash"], ["bash"], ["busybox", "sh"]] as const;

for (const [tool, ...rest] of SHELLS) {
  const path = findTool(tool);
  const name = `a local machine under ${[tool, ...rest].join(" ")}`;
  if (path === null) describe.skip(`${name} (skipped: ${tool} is not installed)`, () => it("is not tried", () => {}));
  else describeMachine(name, { create: (dir, slots) => localMachine(dir, slots, { shell: [path, ...rest] }) });
}

const WITHOUT_SETSID =
  "sh cp ln mv rm mkdir readlink find wc tr date sleep sync tee grep chmod env head perl sha256sum true".split(" ");

describeMachine("a local machine without setsid", {
  create: (dir, slots) => localMachine(dir, slots, { environment: onlyTools(join(dir, "tools"), WITHOUT_SETSID) }),
});
