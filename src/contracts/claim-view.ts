/** A claimed task as interfaces see it: what is to be done, and under which fence. */
import * as z from "zod";
import { PATH_MODES } from "../domain/path-scope.js";
import { maybeTime, time } from "./fields.js";
import { later } from "./later.js";

export const pathView = later(() => z.object({ mode: z.enum(PATH_MODES), space: z.string(), pattern: z.string() }));

export const leaseView = later(() =>
  z.object({
    name: z.string(),
    expires_at: time.describe("it is over then, unless a heartbeat comes before"),
  }),
);

export const claimView = later(() =>
  z.object({
    task: z.object({
      id: z.string(),
      type: z.string(),
      params: z.unknown(),
      tags: z.array(z.string()),
      paths: z.array(pathView()).describe("what it holds while this attempt runs"),
      run: z.number().int(),
      attempt: z.number().int(),
      failures: z.number().int(),
      crashes: z.number().int(),
      max_attempts: z.number().int().nullable(),
      timeout_ms: z.number().int().nullable().describe("how long an attempt may take; a claim keeps that itself"),
      deadline_at: maybeTime,
      parent_id: z.string().nullable(),
      submitted_at: time,
    }),
    fence: z.number().int().describe("presented with everything that is said about this attempt"),
    agent_id: z.string(),
    session: z.string(),
    lease: leaseView(),
    env: z.record(z.string(), z.string()).describe("what a shell that works on it should have in its environment"),
  }),
);
export type ClaimView = z.infer<ReturnType<typeof claimView>>;
