/** `waybill machines import`: machines that others know of, as lines for the inventory. */
import { readFile, rename, stat, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { WaybillError } from "../../domain/errors.js";
import { parseInventory } from "../../machines/inventory.js";
import type { FoundMachine } from "../../machines/inventory-sources/found-machine.js";
import { mergeInventory } from "../../machines/inventory-sources/merge-inventory.js";
import { isWanted, readSshHosts, userSshConfig } from "../../machines/inventory-sources/ssh-config-hosts.js";
import { listTailscaleMachines, tailscaleAccess } from "../../machines/inventory-sources/tailscale.js";
import type { AppContext, CallHandler } from "../context.js";

export const importMachines: CallHandler<"machines.import"> = async (context, input, { signal }) => {
  const { cwd, environment } = context.settings;
  const sshConfig = input.ssh_config === undefined ? null : resolve(cwd, input.ssh_config);
  const known: readonly FoundMachine[] = input.tailscale
    ? await listTailscaleMachines(tailscaleAccess(environment), signal)
    : await readSshHosts(sshConfig ?? userSshConfig());
  const found = known.filter(({ name }) => isWanted(name, input.host));
  const target = targetOf(context, input);
  const before = target !== null && input.merge ? await readIfThere(target) : null;
  const merged = mergeInventory(before, target ?? "the inventory", found, { tags: input.tag, sshConfig });
  if (target !== null) await write(context, target, merged.text, input.merge);
  const seen = new Map(found.map((machine) => [machine.name, machine]));
  return {
    written: target,
    yaml: merged.text,
    added: merged.added.map(({ name, host, about }) => ({ name, host, about })),
    skipped: merged.skipped.map(({ name, reason }) => ({ name, about: seen.get(name)?.about ?? "", reason })),
  };
};

/** The file to write; null: print. `--merge` alone means the inventory that commands read. */
function targetOf(
  { settings }: AppContext,
  { output, merge }: { output?: string | undefined; merge: boolean },
): string | null {
  if (output === "-" || (output === undefined && !merge)) return null;
  return output === undefined
    ? (settings.inventoryFile ?? resolve(settings.cwd, "machines.yaml"))
    : resolve(settings.cwd, output);
}

const readIfThere = (path: string): Promise<string | null> =>
  readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return null;
    throw new WaybillError("invalid_input", `${path} cannot be read: ${cause.code ?? cause.message}.`, { cause });
  });

/** All or nothing: what would not be read again is never written, and whoever reads meanwhile sees the old file. */
async function write({ settings }: AppContext, path: string, text: string, merge: boolean): Promise<void> {
  parseInventory(Buffer.from(text), path, { home: settings.home.root });
  const old = await stat(path).catch(() => null); // Not there: written anew.
  if (old !== null && !merge) {
    throw new WaybillError("invalid_input", `${path} is there already.`, { hint: "Add --merge to add to it." });
  }
  const fresh = `${path}.${process.pid}.new`;
  try {
    await writeFile(fresh, text, { mode: old === null ? 0o644 : old.mode & 0o777 });
    await rename(fresh, path);
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new WaybillError("invalid_input", `${path} cannot be written: ${why}.`, { cause });
  }
}
