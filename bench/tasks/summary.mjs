/** From all figures to medians, and from medians to what was promised. */
import { median } from "../cli/interleaved.mjs";

/** @returns by measurement, by system: the median of each figure, and how often it failed */
export function summary(measured) {
  const results = {};
  for (const [system, byName] of Object.entries(measured)) {
    for (const [what, all] of Object.entries(byName)) {
      const good = all.filter((figures) => figures.failed === undefined);
      const figures = Object.keys(good[0] ?? {}).map((name) => [name, rounded(median(good.map((one) => one[name])))]);
      const failed = all.length - good.length;
      const why = all.find((one) => one.failed !== undefined)?.failed;
      results[what] ??= {};
      results[what][system] = { ...Object.fromEntries(figures), ...(failed > 0 ? { failed, why } : {}) };
    }
  }
  return results;
}

const rounded = (value) => (value >= 100 ? Math.round(value) : Number(value.toPrecision(3)));

const OWN = ["Waybill", "raw loop"];

/** The prototype's lead over BullMQ on one quiet machine, of which the engine is to keep half: there, [it, BullMQ] in jobs/s. */
const PROTOTYPE = {
  submitTogether: { "BullMQ, Redis always": [203_000, 24_500], "BullMQ, Redis everysec": [203_000, 34_900] },
  "drain at 10": { "BullMQ, Redis always": [94_000, 7_200], "BullMQ, Redis everysec": [94_000, 15_200] },
  "drain at 100": { "BullMQ, Redis always": [62_000, 15_800], "BullMQ, Redis everysec": [62_000, 16_400] },
};

/** Waybill's place for each measurement: against the best peer, the raw loop, and what is left of the prototype's lead. */
export function verdicts(results) {
  return Object.entries(results).map(([what, systems]) => {
    if (what === "idleLatency") return { what, p50Ms: systems.Waybill?.p50Ms, wanted: "p50Ms < 2" };
    const own = systems.Waybill?.perSecond;
    const peers = Object.entries(systems)
      .filter(([name, { perSecond }]) => !OWN.includes(name) && perSecond !== undefined)
      .sort(([, a], [, b]) => b.perSecond - a.perSecond);
    const [best] = peers;
    const raw = systems["raw loop"]?.perSecond;
    return {
      what,
      bestPeer: best?.[0] ?? null,
      ofBestPeer: ratio(own, best?.[1].perSecond),
      ofRaw: ratio(own, raw),
      cpuOfRaw: ratio(systems.Waybill?.cpuMicros, systems["raw loop"]?.cpuMicros),
      ofPrototype: keptLead(what, own, systems),
    };
  });
}

const ratio = (a, b) => (a === undefined || b === undefined ? null : Number((a / b).toPrecision(3)));

function keptLead(what, own, systems) {
  const kept = Object.entries(PROTOTYPE[what] ?? {})
    .filter(([peer]) => systems[peer]?.perSecond !== undefined)
    .map(([peer, [prototype, there]]) => own / systems[peer].perSecond / (prototype / there));
  return kept.length === 0 || own === undefined ? null : Number(Math.min(...kept).toPrecision(3));
}
