/** Files to the machine and back, each way of bringing them once a round; milliseconds. */
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { interleaved, timed } from "../cli/interleaved.mjs";
import { dir } from "../cli/workshop.mjs";
import {
  carryOut,
  clear,
  disconnect,
  far,
  freeze,
  newMachine,
  overMaster,
  plain,
  quote,
  rsync,
  shell,
} from "./site.mjs";

const there = join(far, "copy");
const trees = join(far, "waybill", "trees");
const host = (path) => `127.0.0.1:${path}`;

/** 1,000 files of 4 KiB as text that shrinks by a quarter, in 20 folders. */
export function smallFiles() {
  const source = join(dir, "small");
  for (let n = 0; n < 1_000; n += 1) {
    mkdirSync(join(source, `d${n % 20}`), { recursive: true });
    writeFileSync(join(source, `d${n % 20}`, `f${n}`), randomBytes(3_072).toString("base64"));
  }
  return source;
}

/** One file of 200 MB that does not shrink. */
export function largeFile() {
  const source = join(dir, "large");
  mkdirSync(source);
  for (let n = 0; n < 4; n += 1) writeFileSync(join(source, "file"), randomBytes(50_000_000), { flag: "a" });
  return source;
}

/** Measures `bring` with nothing of it there. */
const fresh = (bring) => async () => {
  clear(there);
  clear(trees);
  mkdirSync(there, { recursive: true });
  return await timed(bring);
};

export async function upload(source, rounds) {
  const tree = await freeze(source);
  const warm = newMachine();
  await warm.prepare(tree);
  const tar = `tar -C ${source} -cf - . | ${quote(overMaster.ssh)} 'tar -C ${there} -xof -'`;
  return await interleaved(
    {
      "rsync -az": fresh(() => carryOut([...rsync, `${source}/`, host(there)])),
      "waybill, new connection": async () => {
        disconnect();
        const machine = newMachine();
        return await fresh(() => machine.prepare(tree))();
      },
      "scp -r": fresh(() => carryOut([...plain.scp, source, host(there)])),
      "rsync -az over a master": fresh(() => carryOut([...overMaster.rsync, `${source}/`, host(there)])),
      "waybill, connected": async () => {
        await warm.prepare(tree);
        return await fresh(() => warm.prepare(tree))();
      },
      "tar over a master": fresh(() => shell(tar)),
    },
    { rounds },
  );
}

export async function unchanged(source, rounds) {
  const tree = await freeze(source);
  const machine = newMachine();
  await machine.prepare(tree);
  await carryOut([...rsync, `${source}/`, host(there)]);
  return await interleaved(
    {
      "ssh true over a master": () => timed(() => carryOut([...overMaster.ssh, "true"])),
      waybill: () => timed(() => machine.prepare(tree)),
      "rsync -az over a master": () => timed(() => carryOut([...overMaster.rsync, `${source}/`, host(there)])),
      "rsync -az": () => timed(() => carryOut([...rsync, `${source}/`, host(there)])),
    },
    { rounds },
  );
}

const FILES = 'cd "$WAYBILL_ARTIFACTS_DIR"; for n in $(seq 100); do head -c 4096 /dev/urandom >f$n; done';

/** 100 files of 4 KiB that a run has left, into an empty directory; log and proof included. */
export async function fetchArtifacts(rounds, runOf) {
  const machine = newMachine();
  const key = await runOf(machine, FILES);
  const left = join(far, "waybill", "runs", `${key.runId}.1`, "artifacts");
  const home = join(dir, "fetched");
  const into = (bring) => async () => {
    clear(home);
    mkdirSync(home);
    return await timed(bring);
  };
  return await interleaved(
    {
      "rsync -az over a master": into(() => carryOut([...overMaster.rsync, host(`${left}/`), home])),
      waybill: into(() => machine.collect(key, home)),
      "rsync -az": into(() => carryOut([...rsync, host(`${left}/`), home])),
      "scp -r": into(() => carryOut([...plain.scp, host(left), home])),
      "tar over a master": into(() =>
        shell(`${quote(overMaster.ssh)} 'tar -C ${left} -cf - .' | tar -C ${home} -xof -`),
      ),
    },
    { rounds },
  );
}
