/** Runs over ssh: how late a line of the log comes, what `true` takes step by step, and a hundred machines at once. */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { interleaved, median, timed } from "../cli/interleaved.mjs";
import { cli, dir, dist, env, run, work } from "../cli/workshop.mjs";
import { carryOut, disconnect, freeze, inventory, overMaster, shell } from "./site.mjs";

const { open } = await import(`${dist}index.js`);
let runs = 0;

/** Runs `script` on the machine to its end. @returns the attempt's key */
export async function runOf(machine, script) {
  runs += 1;
  const tree = await freeze(work(`work-${runs}`, script));
  await machine.prepare(tree);
  const key = { runId: `bench-${process.pid}-${runs}`, attempt: 1, fence: 1 };
  const limits = { timeoutMs: null, silenceMs: null, graceMs: 1_000, logLimitBytes: null, contactMs: null };
  const what = { treeHash: tree.hash, command: null, entrypoint: "run.sh", args: [], env: {} };
  await machine.start({ ...key, ...what, ...limits });
  const last = await machine.settled(key);
  if (last.state !== "exit" || last.exit.code !== 0)
    throw new Error(`the run ended otherwise: ${JSON.stringify(last)}`);
  return key;
}

/** Every tenth of a second a line that tells when it was written, by the clock that both ends share here. */
const TICKS = "n=0; while [ $n -lt 40 ]; do n=$((n + 1)); date +%s%N; sleep 0.1; done";

/** Milliseconds from the moment in each line until it came, of a command that prints such lines. */
function latencies(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"], env, cwd: dir });
    const late = [];
    let rest = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      const now = performance.timeOrigin + performance.now();
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      for (const line of lines) if (/^\d{19}$/.test(line)) late.push(now - Number(line) / 1e6);
    });
    child.once("error", reject);
    child.once("close", (code) => (code === 0 ? resolve(late) : reject(new Error(`${program} ended with ${code}`))));
  });
}

export async function logLatency(rounds) {
  const { path } = inventory(1);
  const ticks = work("ticks", TICKS);
  const measured = await interleaved(
    {
      "ssh over a master": () => latencies(overMaster.ssh[0], [...overMaster.ssh.slice(1), TICKS]),
      "waybill run": () =>
        latencies(process.execPath, [cli, "run", ticks, "--machines", path, "--machine", "m1", "--new"]),
    },
    { rounds, warmUp: 0 },
  );
  return Object.fromEntries(Object.entries(measured).map(([name, all]) => [name, all.flat()]));
}

/** Milliseconds from each step to the next, of one run in an open process. */
async function steps(waybill, marks, submit) {
  marks.length = 0;
  marks.push({ step: "submitted", at: performance.now() });
  await waybill.call("runs.submit", submit);
  marks.push({ step: "answered", at: performance.now() });
  return marks.slice(1).map(({ step, at }, n) => ({ step, ms: at - marks[n].at }));
}

/** `true` from start to finish on a machine that has its directory. */
export async function startToFinish(rounds) {
  const { path } = inventory(1);
  const directory = work("true", "exit 0");
  const submit = { dir: directory, machine: "m1", new: true };
  const marks = [];
  const onStep = (step) => marks.push({ step, at: performance.now() });
  const waybill = await open({ environment: { ...env, WAYBILL_MACHINES: path }, onStep });
  const command = [cli, "run", directory, "--machines", path, "--machine", "m1", "--new"];
  const measured = await interleaved(
    {
      "ssh true over a master": () => timed(() => carryOut([...overMaster.ssh, "true"])),
      "in an open process": () => timed(() => waybill.call("runs.submit", submit)),
      "waybill run": () => timed(() => run(process.execPath, command)),
      "node -e 0": () => timed(() => run(process.execPath, ["-e", "0"])),
      steps: () => steps(waybill, marks, submit),
    },
    { rounds },
  );
  await waybill.close();
  const { steps: split, ...totals } = measured;
  const bySteps = split[0].map(({ step }) => ({
    step,
    ms: median(split.map((once) => once.find((s) => s.step === step)?.ms ?? 0)),
  }));
  return { totals, bySteps };
}

/** A hundred names for one server, asked side by side: as many at once as Waybill asks. */
export async function manyMachines(rounds, count = 100, atOnce = 16) {
  const { path, config, port } = inventory(count);
  const waybill = await open({ environment: { ...env, WAYBILL_MACHINES: path } });
  const names = Array.from({ length: count }, (_, n) => `m${n + 1}`).join("\\n");
  const each = `printf '${names}\\n' | xargs -P ${atOnce} -I{}`;
  const sockets = join(dir, "many");
  writeFileSync(
    `${config}-shared`,
    `ControlMaster auto\nControlPersist 600\nControlPath ${sockets}-%n\nInclude ${config}\n`,
  );
  const check = async () => {
    const { ok, machines } = await waybill.call("machines.check", { name: [], all: true });
    if (!ok || machines.length !== count) throw new Error(`not all are well: ${JSON.stringify(machines)}`);
  };
  // What is to be shared must stand.
  await shell(`${each} ssh -F ${config}-shared -p ${port} {} true`);
  const measured = await interleaved(
    {
      "ssh true": () => timed(() => shell(`${each} ssh -F ${config} -p ${port} {} true`)),
      "waybill machines check, new connections": () => {
        disconnect();
        return timed(check);
      },
      "ssh true over masters": () => timed(() => shell(`${each} ssh -F ${config}-shared -p ${port} {} true`)),
      "waybill machines check": () => timed(check),
    },
    { rounds, warmUp: 0 },
  );
  await shell(`${each} ssh -F ${config}-shared -p ${port} -O exit {} 2>/dev/null`);
  await waybill.close();
  return measured;
}
