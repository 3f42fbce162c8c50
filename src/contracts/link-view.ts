/** A link between two tasks as interfaces see it. */
import * as z from "zod";
import { DEPENDENCY_OUTCOMES } from "../domain/dependency.js";
import { LINK_KINDS } from "../domain/task-links.js";
import { later } from "./later.js";

export const linkView = later(() =>
  z.object({
    from: z.string(),
    to: z.string(),
    kind: z.enum(LINK_KINDS),
    outcome: z.enum(DEPENDENCY_OUTCOMES).nullable().describe("which end of `from` lets `to` begin"),
  }),
);
