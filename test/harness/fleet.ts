/** Real ssh servers on loopback as the machines of a sandbox. */
import { join } from "node:path";
import { type Sshd, type SshdOptions, startSshd } from "../../src/machines/ssh/sshd-fixture.js";
import type { MachineLines, Sandbox } from "./sandbox.js";

export { noSshd } from "../../src/machines/ssh/sshd-fixture.js";

export interface FleetMachine {
  readonly name: string;
  readonly sshd: Sshd;
  /** The machine's work directory, which the test can look into, since the machine is this host. */
  readonly workDir: string;
  /** Its lines in the inventory. */
  readonly lines: MachineLines;
}

/** Starts one server of `box`; it goes with the sandbox. `changes` replace lines of the inventory. */
export async function startMachine(
  box: Sandbox,
  name: string,
  options: Omit<SshdOptions, "dir"> = {},
  changes: MachineLines = {},
): Promise<FleetMachine> {
  const sshd = await startSshd({ dir: join(box.dir, `sshd-${name}`), ...options });
  const workDir = join(box.dir, `on ${name}`);
  const { host, user, port } = sshd.spec(workDir);
  const reached = {
    transport: "ssh",
    host: host ?? "",
    user: user ?? "",
    port: port ?? 22,
    ssh_config: sshd.configFile,
  };
  return { name, sshd, workDir, lines: { ...reached, work_dir: workDir, ...changes } };
}

/** Starts servers and writes them as the sandbox's inventory. */
export async function startFleet(
  box: Sandbox,
  names: readonly string[],
  changes: MachineLines = {},
): Promise<FleetMachine[]> {
  const machines = await Promise.all(names.map((name) => startMachine(box, name, {}, changes)));
  box.machines(Object.fromEntries(machines.map(({ name, lines }) => [name, lines])));
  return machines;
}
