/** Reads the inventory that the settings name. */
import { readFile } from "node:fs/promises";
import type { Settings } from "../config/settings.js";
import { WaybillError } from "../domain/errors.js";
import type { TailnetMachines } from "../machines/inventory.js";
import type { Inventory } from "./context.js";

/** Loads the YAML reader only when called. Errors: `invalid_input` for a file that cannot be read, `invalid_inventory`, and those of a tailnet that was never listed. */
export async function readInventory(settings: Settings): Promise<Inventory> {
  const { defaultInventory, parseInventory } = await import("../machines/inventory.js");
  const file = settings.inventoryFile;
  const home = settings.home.root;
  if (file === null) return { source: "default: the machine `local` alone", machines: defaultInventory({ home }) };
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw new WaybillError("invalid_input", `The inventory ${file} cannot be read: ${cause.code ?? cause.message}.`, {
      cause,
      hint: "`waybill config show` says where the path comes from.",
    });
  });
  const { machines, tailnet } = parseInventory(bytes, file, { home });
  return tailnet === null
    ? { source: file, machines }
    : await withTailnet({ source: file, machines }, tailnet, settings);
}

/** Adds the devices of the tailnet as they are now, or as they were when they could last be asked for. */
async function withTailnet(written: Inventory, tailnet: TailnetMachines, settings: Settings): Promise<Inventory> {
  const { cachedTailnet } = await import("../machines/inventory-sources/cached-tailnet.js");
  const { listTailscaleMachines, tailscaleAccess } = await import("../machines/inventory-sources/tailscale.js");
  const list = async () => await listTailscaleMachines(tailscaleAccess(settings.environment));
  const { machines, stale } = await cachedTailnet(settings.home.root, list);
  const source = `${written.source} and its tailnet${stale === null ? "" : ` ${stale}`}`;
  return { source, machines: [...written.machines, ...tailnet.specsOf(machines)] };
}
