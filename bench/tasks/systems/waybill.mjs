/** Waybill, as built: full durability, events on, its defaults otherwise. */
import { join } from "node:path";
import { z } from "zod";

const { defineTask, openEngine } = await import("../../../dist/index.js");

export async function open({ dir, concurrency, onStart, onDone }) {
  const task = defineTask({ type: "noop", params: z.object({ data: z.string() }), run: async () => onStart() });
  const observe = ({ kind }) => {
    if (kind === "ended") onDone();
  };
  const engine = await openEngine({ store: `file:${join(dir, "waybill.db")}`, tasks: [task], concurrency, observe });
  return {
    submit: (payload) => engine.tasks.submit(task, payload),
    submitMany: (payloads) =>
      engine.tasks.submitMany(
        task,
        payloads.map((params) => ({ params })),
      ),
    work: () => engine.start(),
    stop: () => engine.stop(),
    close: () => engine.close(),
  };
}
