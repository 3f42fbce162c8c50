/** Running an engine with the sidecar API in front of it. */
import * as z from "zod";
import { parseByteSize } from "../domain/byte-size.js";
import { duration } from "./fields.js";
import { operation } from "./operation.js";

/** How callers of the API show who they are. */
export const AUTH_MODES = ["token", "trusted-header", "none"] as const;
export type AuthMode = (typeof AUTH_MODES)[number];

export const LOG_FORMATS = ["json", "text"] as const;

export const serve = operation({
  name: "system.serve",
  command: "serve",
  summary: "Execute tasks and answer the sidecar API, until told to stop",
  effect: "write",
  input: () =>
    z.object({
      tasks: z.string().optional().describe("module that exports task definitions (default: the built-in types alone)"),
      port: z.coerce.number().int().min(0).max(65_535).default(7_717).describe("port of the API; 0: any free one"),
      bind: z.string().min(1).default("127.0.0.1").describe("address of the API"),
      auth: z.enum(AUTH_MODES).default("token").describe("who may call; `trusted-header` and `none` on loopback only"),
      token_file: z
        .string()
        .optional()
        .describe("file with the token (default: WAYBILL_TOKEN, `token` in WAYBILL_HOME)"),
      concurrency: z.coerce.number().int().min(1).default(10).describe("how many handlers run at once"),
      grace: duration.default("25s").describe("how long handlers may finish when told to stop"),
      body_limit: z
        .string()
        .refine((text) => (parseByteSize(text) ?? 0) >= 1, { error: 'expected a size such as "1MiB"' })
        .default("1MiB")
        .describe("largest body of a request"),
      allow_commands: z
        .boolean()
        .default(false)
        .describe("let callers of the API submit commands, which run as this user"),
      log_format: z.enum(LOG_FORMATS).default("json").describe("lines on stderr for programs or for people"),
    }),
  output: () =>
    z.object({
      url: z.string().describe("where it answered"),
      succeeded: z.number().int().describe("attempts of this engine"),
      failed: z.number().int(),
      waiting: z.number().int().describe("those whose tasks wait for a person"),
      cancelled: z.number().int(),
      hurried: z.boolean().describe("a second signal cut the grace short"),
    }),
  errors: ["invalid_input", "invalid_task_module", "address_unavailable"],
  examples: [
    ["serve --tasks ./tasks.mjs", "types of your own, on 127.0.0.1:7717, with the token in WAYBILL_HOME/token"],
    ["serve --auth none --log-format text", "while trying it out"],
    ["serve --bind 0.0.0.0 --token-file /run/secrets/token", "for other hosts; put TLS in front of it"],
  ],
});
