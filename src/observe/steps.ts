/**
 * The named points that the drive of a run, or the dispatch of a task, passes, in order.
 *
 * They serve two readers: measurements ask how long lies between them, crash tests die at one of them. In normal
 * operation passing a step does nothing.
 */
export const STEPS = [
  "run.decided",
  "run.leased",
  "run.prepared",
  "run.start_asked",
  "run.started",
  "run.start_recorded",
  "run.settled",
  "run.collected",
  "run.finished",
  "run.forgotten",
  "run.moved",
  "stray.returned",
  "batch.created",
  "batch.item_decided",
  "dispatcher.leased",
  "dispatch.claimed",
  "dispatch.worker_started",
  "dispatch.handed_over",
  "dispatch.answered",
  "dispatch.worker_ended",
  "dispatch.taken_back",
  "dispatch.recorded",
] as const;
export type Step = (typeof STEPS)[number];

export type OnStep = (step: Step, subject: string) => void;
