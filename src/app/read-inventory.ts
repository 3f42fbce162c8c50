/** Reads the inventory that the settings name. */
import { readFile } from "node:fs/promises";
import type { Settings } from "../config/settings.js";
import { WaybillError } from "../domain/errors.js";
import type { Inventory } from "./context.js";

/** Loads the YAML reader only when called. Errors: `invalid_input` for a file that cannot be read, `invalid_inventory`. */
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
  return { source: file, machines: parseInventory(bytes, file, { home }) };
}
