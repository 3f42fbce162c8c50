/** Looks whether this machine can execute runs. */
import { execFile } from "node:child_process";
import { mkdir, statfs, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { MachineSpec } from "../../domain/machine.js";
import type { Environment } from "../environment.js";
import type { MachineFinding } from "../machine-port.js";

const exec = promisify(execFile);

/** Less than this and a run that leaves anything behind is likely to fill the disk. */
const LEAST_FREE_BYTES = 64 * 1024 * 1024;

/** One shell names every tool that is missing, so that a machine is asked once. */
const FIND_TOOLS = `
for t in cp ln mv rm mkdir readlink find wc tr date sleep sync tee; do command -v $t >/dev/null 2>&1 || printf '%s ' $t; done
echo
command -v setsid || command -v perl || echo
command -v sha256sum || command -v shasum || command -v openssl || echo
`;

/** Findings in the order in which they matter: directory, space, tools, session, hashes. Never throws. */
export async function checkLocalMachine(
  spec: MachineSpec,
  environment: Environment,
): Promise<readonly MachineFinding[]> {
  return [...(await checkDirectory(spec)), ...(await checkTools(environment))];
}

async function checkDirectory(spec: MachineSpec): Promise<readonly MachineFinding[]> {
  const probe = join(spec.workDir, `.probe.${process.pid}`);
  try {
    await mkdir(spec.workDir, { recursive: true, mode: 0o700 });
    await writeFile(probe, "waybill");
    await unlink(probe);
  } catch (error) {
    const hint = "Choose another `work_dir` for this machine, or make this one writable.";
    return [{ name: "work directory", ok: false, value: String(error), hint }];
  }
  const { bavail, bsize } = await statfs(spec.workDir);
  const free = bavail * bsize;
  return [
    { name: "work directory", ok: true, value: spec.workDir, hint: null },
    {
      name: "free space",
      ok: free >= LEAST_FREE_BYTES,
      value: `${Math.floor(free / 1024 / 1024)} MiB`,
      hint: free >= LEAST_FREE_BYTES ? null : "`waybill store gc` removes what old runs left; or free some space.",
    },
  ];
}

async function checkTools(environment: Environment): Promise<readonly MachineFinding[]> {
  try {
    const { stdout } = await exec("/bin/sh", ["-c", FIND_TOOLS], { env: { ...environment } });
    const [missing = "", session = "", hasher = ""] = stdout.split("\n").map((line) => line.trim());
    return [
      tool("tools", missing === "", missing === "" ? "all there" : `missing: ${missing}`, "Install the missing tools."),
      tool("session leader", session !== "", session, "Install util-linux (setsid) or perl."),
      tool("sha-256", hasher !== "", hasher, "Install coreutils (sha256sum), perl (shasum) or openssl."),
    ];
  } catch (error) {
    return [tool("shell", false, String(error), "A machine needs a POSIX shell at /bin/sh.")];
  }
}

const tool = (name: string, ok: boolean, value: string, hint: string): MachineFinding => ({
  name,
  ok,
  value: value === "" ? "none found" : value,
  hint: ok ? null : hint,
});
