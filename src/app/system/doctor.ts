/** Looks whether this computer can do the job, and says of each fault what to do. */
import { existsSync } from "node:fs";
import { stat, statfs } from "node:fs/promises";
import { WaybillError } from "../../domain/errors.js";
import type { MachineFinding } from "../../machines/machine-port.js";
import type { AppContext, CallHandler } from "../context.js";
import { checkAll } from "../machines/check-machines.js";

const LEAST_FREE_BYTES = 256 * 1024 * 1024;

export const doctor: CallHandler<"system.doctor"> = async (context) => {
  const findings = [
    checkNode(),
    ...(await checkHome(context)),
    ...(await checkStore(context)),
    checkClock(),
    ...(await checkInventory(context)),
  ];
  return { ok: findings.every((f) => f.ok), findings };
};

function checkNode(): MachineFinding {
  const major = Number(process.versions.node.split(".")[0]);
  return {
    name: "node",
    ok: major >= 20,
    value: process.version,
    hint: major >= 20 ? null : "Node 20 or newer is needed.",
  };
}

async function checkHome(context: AppContext): Promise<MachineFinding[]> {
  const { root } = context.settings.home;
  if (!existsSync(root)) {
    return [{ name: "home", ok: true, value: `${root} (made when first needed)`, hint: null }];
  }
  const { mode } = await stat(root);
  const isPrivate = (mode & 0o077) === 0;
  const space = await statfs(root);
  const free = space.bavail * space.bsize;
  return [
    {
      name: "home",
      ok: isPrivate,
      value: `${root} (mode ${(mode & 0o777).toString(8)})`,
      hint: isPrivate ? null : `Others can look in: \`chmod 700 ${root}\`.`,
    },
    {
      name: "space",
      ok: free >= LEAST_FREE_BYTES,
      value: `${Math.floor(free / 1024 / 1024)} MiB free`,
      hint: free >= LEAST_FREE_BYTES ? null : "`waybill store gc` removes old runs.",
    },
  ];
}

async function checkStore(context: AppContext): Promise<MachineFinding[]> {
  try {
    const store = await context.store();
    const info = await store.info();
    await store.probe();
    const durability = Object.entries(info.durability).map(([name, value]) => `${name}=${value}`);
    return [{ name: "store", ok: true, value: `${info.url} (${info.engine}, ${durability.join(", ")})`, hint: null }];
  } catch (error) {
    if (!(error instanceof WaybillError)) throw error;
    return [{ name: "store", ok: false, value: error.message, hint: error.hint ?? null }];
  }
}

/** Ids sort by time, so a clock before this program's making would put new runs behind old ones. */
function checkClock(): MachineFinding {
  const ok = Date.now() > Date.UTC(2026, 0, 1);
  return { name: "clock", ok, value: new Date().toISOString(), hint: ok ? null : "The clock is years behind; set it." };
}

async function checkInventory(context: AppContext): Promise<MachineFinding[]> {
  try {
    const { source, machines } = await context.inventory();
    const checked = await checkAll(context, machines);
    const found = { name: "inventory", ok: true, value: `${machines.length} machines (${source})`, hint: null };
    return [found, ...checked.flatMap((m) => m.findings.map((f) => ({ ...f, name: `${m.name}: ${f.name}` })))];
  } catch (error) {
    if (!(error instanceof WaybillError)) throw error;
    return [{ name: "inventory", ok: false, value: error.message, hint: error.hint ?? null }];
  }
}
