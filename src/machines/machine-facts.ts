/** Judges what a machine said of itself (the verb `check`): the same limits and words for every machine. */
import { describeByteSize } from "../domain/byte-size.js";
import type { MachineOs, MachineSpec } from "../domain/machine.js";
import type { MachineFinding } from "./machine-port.js";

/** Without these the machine's side cannot work. */
export const REQUIRED_TOOLS: readonly string[] = "cp ln mv rm mkdir readlink find wc tr date sleep sync tee".split(" ");

/** What else a machine needs that is reached through its shell alone. */
export const REMOTE_TOOLS: readonly string[] = "cat chmod tail mkfifo".split(" ");

/** Less than this and a run that leaves anything behind is likely to fill the disk. */
const LEAST_FREE_BYTES = 64 * 1024 * 1024;

/** What the verb `check` printed, by name; an empty value means none. */
export type MachineFacts = ReadonlyMap<string, string>;

export function readFacts(said: string): MachineFacts {
  return new Map(
    said.split("\n").flatMap((line) => {
      const at = line.indexOf("\t");
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
    }),
  );
}

/** Findings in the order in which they matter: directory, space, tools, system. Trees reach a machine over ssh as archives. */
export function judgeFacts(facts: MachineFacts, spec: MachineSpec): MachineFinding[] {
  const fact = (name: string): string => facts.get(name) ?? "";
  const missing = fact("missing");
  return [
    judgeDirectory(fact("unwritable"), fact("directory") || spec.workDir),
    judgeSpace(fact("free_kib"), spec),
    finding(
      "tools",
      missing === "",
      missing === "" ? "all there" : `missing: ${missing}`,
      "Install the missing tools.",
    ),
    finding("session leader", fact("session") !== "", fact("session"), "Install util-linux (setsid) or perl."),
    finding(
      "sha-256",
      fact("hasher") !== "",
      fact("hasher"),
      "Install coreutils (sha256sum), perl (shasum) or openssl.",
    ),
    ...(spec.transport === "ssh" ? judgeTransfer(fact) : []),
    judgeSystem(fact("system"), spec),
    finding("shell", true, fact("shell"), ""),
  ];
}

/** The hint is told of what is bad only. */
export const finding = (name: string, ok: boolean, value: string, hint: string): MachineFinding => ({
  name,
  ok,
  value: value === "" ? "none found" : value,
  hint: ok ? null : hint,
});

export const judgeDirectory = (unwritable: string, directory: string): MachineFinding =>
  finding(
    "work directory",
    unwritable === "",
    unwritable === "" ? directory : unwritable,
    "Choose another `work_dir` for this machine, or make this one writable.",
  );

function judgeSpace(freeKib: string, spec: MachineSpec): MachineFinding {
  if (!/^\d+$/.test(freeKib)) return finding("free space", true, "unknown", "");
  const bytes = Number(freeKib) * 1024;
  const hint = `\`waybill machines gc ${spec.name}\` removes what old runs left; or free some space.`;
  return finding("free space", bytes >= LEAST_FREE_BYTES, describeByteSize(bytes), hint);
}

const judgeTransfer = (fact: (name: string) => string): MachineFinding[] => [
  finding("tar", fact("tar") !== "", fact("tar"), "Install tar: directories are brought as archives."),
  finding("zstd", true, fact("zstd"), ""),
  finding("openssh", true, fact("openssh"), ""),
];

const SYSTEMS: readonly (readonly [pattern: RegExp, os: MachineOs])[] = [
  [/^Linux/, "linux"],
  [/^Darwin/, "macos"],
  [/^(CYGWIN|MINGW|MSYS|Windows)/, "windows"],
];

function judgeSystem(system: string, spec: MachineSpec): MachineFinding {
  const os = SYSTEMS.find(([pattern]) => pattern.test(system))?.[1];
  const fits = os === undefined || os === spec.os;
  return finding(
    "system",
    fits,
    fits ? system : `${system}, the inventory says ${spec.os}`,
    `Write \`os: ${os}\` for it.`,
  );
}
