import { WaybillError } from "../../domain/errors.js";
import type { CallHandler } from "../context.js";
import { findTask } from "./find-task.js";

export const linkTasks: CallHandler<"tasks.link"> = async (context, { from, to, kind, outcome }) => {
  if (kind !== "blocks" && outcome !== undefined) {
    throw new WaybillError("invalid_input", `A link of the kind ${kind} waits for no end; leave --outcome out.`);
  }
  const store = await context.store();
  const [first, second] = [await findTask(store, from), await findTask(store, to)];
  const link = { from: first.id, to: second.id, kind, outcome: kind === "blocks" ? (outcome ?? "completed") : null };
  const answer = await store.links.link(link);
  if (!answer.granted) throw answer.error;
  return { link, changed: answer.value };
};

export const unlinkTasks: CallHandler<"tasks.unlink"> = async (context, { from, to, kind }) => {
  const store = await context.store();
  const [first, second] = [await findTask(store, from), await findTask(store, to)];
  return { changed: await store.links.unlink({ from: first.id, to: second.id, kind }) };
};
