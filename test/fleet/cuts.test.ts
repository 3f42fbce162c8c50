/**
 * Cuts of every kind through the connections of a fleet at work: each program is executed once, and what is told of it is what
 * its machine recorded and what it wrote. `WAYBILL_TEST_CUTS=1000` takes longer, and is for a host that has nothing else to do.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BatchReport } from "../../src/contracts/batch-views.js";
import { newSeed, type SeededRandom, seededRandom } from "../crash/seeded-random.js";
import { type FleetMachine, noSshd, startMachine } from "../harness/fleet.js";
import { createSandbox, type Sandbox } from "../harness/sandbox.js";
import { rowsOf } from "../harness/store-look.js";
import { ChoppingProxy } from "./chopping-proxy.js";
import { expectNothingLeftOnFleet } from "./fleet-aftermath.js";
import { NetworkLink } from "./network-link.js";
import { Storm } from "./storm.js";
import { expectAsWitnessed, witnessedLog, witnessedScript } from "./witnessed-work.js";

const CUTS = Number(process.env.WAYBILL_TEST_CUTS ?? 200);
/** Of the whole, on a host that has much else to do. */
const LIMIT_MS = 240_000 + CUTS * 1_000;
/** Machines of each kind: reached plainly, over a cable that is pulled, and through a proxy that breaks connections. */
const OF_EACH = 5;
const ENTRIES = 30;
const CALLERS = 3;
const PATIENT = { deadlineMs: LIMIT_MS } as const;

const seed = newSeed();
const link = noSshd === null ? NetworkLink.make() : null;
const kinds = link === null ? " (no network link among them: that needs root and iproute2)" : "";

let box: Sandbox;
const machines: FleetMachine[] = [];
const proxies: ChoppingProxy[] = [];
beforeAll(async () => {
  if (noSshd !== null) return;
  box = createSandbox();
  const changes = { slots: 2, tags: ["any"], connect_timeout: "5s" };
  const network = link === null ? {} : { network: { namespace: link.namespace, address: link.address } };
  for (let n = 1; n <= OF_EACH; n += 1) {
    machines.push(await startMachine(box, `plain-${n}`, {}, changes));
    machines.push(await startMachine(box, `cabled-${n}`, network, changes));
    machines.push(await behindProxy(await startMachine(box, `proxied-${n}`, {}, changes)));
  }
  box.machines(Object.fromEntries(machines.map(({ name, lines }) => [name, lines])));
});
afterAll(async () => {
  for (const proxy of proxies) proxy.close();
  link?.up();
  await box?.dispose();
  link?.remove();
});

/** The machine as its clients see it: at the proxy's port, by the server's key. */
async function behindProxy(machine: FleetMachine): Promise<FleetMachine> {
  const { configFile, port } = machine.sshd;
  const proxy = await ChoppingProxy.start(port);
  proxies.push(proxy);
  const config = `${configFile}.proxied`;
  writeFileSync(config, `${readFileSync(configFile, "utf8")}  HostKeyAlias [127.0.0.1]:${port}\n`, { mode: 0o600 });
  return { ...machine, lines: { ...machine.lines, port: proxy.port, ssh_config: config } };
}

/** Most are short, some take up to 30 s; one in four fails. */
function order(random: SeededRandom): { readonly PIECES: string; readonly CODE: string } {
  const pieces = random.below(6) === 0 ? 2 + random.below(58) : 2 + random.below(8);
  return { PIECES: String(pieces), CODE: random.below(4) === 0 ? "3" : "0" };
}

/** A directory of its own for each work, so that each is uploaded. */
const workOf = (name: string): string =>
  box.work(name, witnessedScript(box), { [`${name}.data`]: name.repeat(20_000), name });

async function dispatchBatches(random: SeededRandom, isOver: () => boolean): Promise<void> {
  for (let round = 1; round === 1 || !isOver(); round += 1) {
    const names = Array.from({ length: ENTRIES }, (_, i) => `batch-${round}-${i}`);
    for (const name of names) workOf(name);
    const plan = box.plan(
      `plan-${round}.yaml`,
      names.map((name) => ({ name, tag: "any", env: order(random) })),
    );
    const { progress } = await box.json<BatchReport>(["batch", "run", plan, "--staging", String(round)], PATIENT);
    expect(progress).toMatchObject({ total: ENTRIES, done: ENTRIES, finished: true });
  }
}

/** Runs in the foreground, whose output goes on through every cut. */
async function callOver(caller: number, random: SeededRandom, isOver: () => boolean): Promise<void> {
  for (let turn = 1; turn === 1 || !isOver(); turn += 1) {
    const { PIECES, CODE } = order(random);
    const dir = workOf(`caller-${caller}-${turn}`);
    const env = ["--env", `PIECES=${PIECES}`, "--env", `CODE=${CODE}`];
    const args = ["run", dir, "--tag", "any", "--queue", "--new", ...env];
    const end = await box.cli(args, PATIENT);
    const id = String(rowsOf(box.home, "SELECT id FROM runs WHERE test_dir = ?", dir)[0]?.id);
    expect({ args, code: end.code, stderr: end.stderr }).toMatchObject({ args, code: Number(CODE) });
    expect(end.bytes.equals(witnessedLog(box, id)), `the output of ${id} is its log`).toBe(true);
  }
}

describe.skipIf(noSshd !== null)(
  `a fleet at work, cut ${CUTS} times (seed ${seed})${kinds}${noSshd === null ? "" : ` (skipped: ${noSshd})`}`,
  { timeout: LIMIT_MS },
  () => {
    it("executes every program once, and tells what its machine recorded", async () => {
      const random = seededRandom(seed);
      const storm = new Storm({ box, machines, proxies, link }, seededRandom(seed + 1));
      const calm = new AbortController();
      const raging = storm.rage(CUTS, calm.signal);
      const isOver = (): boolean => storm.total() >= CUTS;
      try {
        const callers = Array.from({ length: CALLERS }, (_, i) => callOver(i, random, isOver));
        await Promise.all([dispatchBatches(random, isOver), ...callers]);
      } finally {
        calm.abort();
        await raging;
      }
      expect(storm.total()).toBe(CUTS);
      await fetchWhatWasLeft();
      expectAsWitnessed(box, machines);
      await expectNothingLeftOnFleet(box, machines);
    });
  },
);

/** Artifacts of a machine that stayed away for too long are kept there, and can be asked for. */
async function fetchWhatWasLeft(): Promise<void> {
  for (const { id } of rowsOf(box.home, "SELECT id FROM runs WHERE artifact_state = 'failed'")) {
    const end = await box.cli(["runs", "artifacts", String(id), "--fetch"], PATIENT);
    expect(end).toMatchObject({ code: 0 });
  }
}
