/** Tells from what `ssh` printed why there was no answer (reference: OpenSSH 9's messages, which it does not translate). */
import { type ErrorCode, WaybillError } from "../../domain/errors.js";
import type { MachineSpec } from "../../domain/machine.js";

interface Kind {
  readonly code: ErrorCode;
  readonly pattern: RegExp;
  readonly what: string;
  readonly hint: (host: string) => string;
}

/** In this order: a changed host key is followed by a refusal of other ways to log in, which is not the cause. */
const KINDS: readonly Kind[] = [
  {
    code: "host_key_mismatch",
    pattern: /HOST IDENTIFICATION HAS CHANGED|Host key verification failed|host key is known for|differs from the key/i,
    what: "its host key is not the one that is known",
    hint: (host) =>
      `Nothing was sent. If the host is new or was set up anew, look at its key and accept it once: ssh ${host} true. Else somebody may stand between.`,
  },
  {
    code: "auth_failed",
    pattern: /Permission denied|Too many authentication failures|No more authentication methods|Authentication failed/i,
    what: "it did not accept this user or key",
    hint: (host) =>
      `Check \`user\` and keys with: ssh -o BatchMode=yes ${host} true. Waybill never asks for passwords; load the key into an agent.`,
  },
  {
    code: "invalid_inventory",
    pattern: /Bad configuration option|bad configuration options|Can't open user config file/i,
    what: "its ssh configuration cannot be read",
    hint: () => "Mend the file that the message names.",
  },
];

/** The error for a request that got no answer. `said` is what ssh printed on standard error. */
export function failureOf(spec: MachineSpec, said: string, otherwise: string): WaybillError {
  const lines = tidy(said);
  const details = { machine: spec.name, host: spec.host, ssh: lines };
  const kind = KINDS.find(({ pattern }) => pattern.test(said));
  const told = lines.length === 0 ? "" : ` ssh says: ${lines.slice(-3).join(" / ")}`;
  if (kind !== undefined) {
    return new WaybillError(kind.code, `Machine "${spec.name}" cannot be used: ${kind.what}.${told}`, {
      hint: kind.hint(spec.host ?? spec.name),
      details,
    });
  }
  return new WaybillError("machine_unreachable", `Machine "${spec.name}" gave no answer: ${otherwise}.${told}`, {
    hint: "What runs there goes on, and what it recorded counts as soon as it can be reached again.",
    details,
  });
}

/** Without the frame of `@` that ssh draws around its warning about a changed key, and without empty lines. */
const tidy = (said: string): string[] =>
  said
    .split(/\r?\n/)
    .map((line) => line.replace(/^@+\s*|\s*@+$/g, "").trim())
    .filter((line) => line !== "")
    .slice(-8);
