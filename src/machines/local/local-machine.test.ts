import { join } from "node:path";
import { describe, it } from "vitest";
import { describeMachine } from "../conformance/machine-conformance.js";
import { localMachine, onlyTools, shellsToTry } from "./local-fixture.js";

for (const { name, shell, skip } of shellsToTry()) {
  const title = `a local machine under ${name}`;
  if (skip) describe.skip(title, () => it("is not tried", () => {}));
  else describeMachine(title, { create: (dir, slots) => localMachine(dir, slots, { shell }) });
}

const WITHOUT_SETSID =
  "sh cp ln mv rm mkdir rmdir readlink find wc tr date sleep sync tee grep chmod env head perl sha256sum true".split(
    " ",
  );

describeMachine("a local machine without setsid", {
  create: (dir, slots) => localMachine(dir, slots, { environment: onlyTools(join(dir, "tools"), WITHOUT_SETSID) }),
});
