/** How a machine is spoken to over ssh: what its login shell starts, and the line that this then reads. */
import type { MachineSpec } from "../../domain/machine.js";
import type { SupervisorLanguage } from "../supervisor/source.js";
import { POWERSHELL } from "../windows/powershell-dialect.js";
import { BOOTSTRAP, installLine, type RequestLine, verbLine } from "./request-line.js";

export interface Dialect {
  /** What the supervisor is written in. */
  readonly language: SupervisorLanguage;
  /** The command for the login shell, whichever shell it is. */
  readonly bootstrap: string;
  /** What must be there for the bootstrap, and for an installation beyond that; for messages. */
  readonly needs: { readonly shell: string; readonly installation: string | null };
  /** The line that carries out a verb of the installed supervisor. Errors: `invalid_input` for text that cannot travel. */
  verbLine(request: RequestLine): string;
  /** The line that installs the supervisor from standard input: 0 installed, 1 cannot be written, 2 arrived damaged. */
  installLine(nonce: string, workDir: string, hash: string): string;
}

const POSIX: Dialect = {
  language: "sh",
  bootstrap: BOOTSTRAP,
  needs: { shell: "sh", installation: "sha256sum, shasum or openssl" },
  verbLine,
  installLine,
};

export const dialectOf = (spec: Pick<MachineSpec, "os">): Dialect => (spec.os === "windows" ? POWERSHELL : POSIX);
