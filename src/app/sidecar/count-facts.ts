/** What happens in an engine, as metrics. */
import type { EngineFact } from "../../engine/runtime.js";
import type { Metrics } from "../../observe/metrics.js";

type EndedFact = Extract<EngineFact, { kind: "ended" }>;

function countEnd(metrics: Metrics, { type, attempt, task, errorCode, durationMs }: EndedFact): void {
  metrics.durations.observe({ type, outcome: attempt }, durationMs / 1_000);
  if (task === null) metrics.refused.inc({ type });
  if (errorCode !== null && attempt !== "cancelled") metrics.failures.inc({ type, class: errorCode });
}

export const countFacts =
  (metrics: Metrics) =>
  (fact: EngineFact): void => {
    switch (fact.kind) {
      case "submitted":
        metrics.submissions.inc({ type: fact.type }, fact.count);
        break;
      case "started":
        metrics.waits.observe({ type: fact.type }, fact.waitedMs / 1_000);
        break;
      case "ended":
        countEnd(metrics, fact);
        break;
      case "taken_back":
        for (const outcome of ["queued", "quarantined", "cancelled"] as const) {
          metrics.takenBack.inc({ outcome }, fact[outcome]);
        }
        metrics.quarantines.inc(fact.quarantined);
    }
  };
