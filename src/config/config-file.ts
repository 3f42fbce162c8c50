/** Reads `config.yaml` of the state directory: settings that neither a flag nor the environment gives. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { WaybillError } from "../domain/errors.js";

const SETTABLE = ["store", "machines", "cache_max", "keep_runs", "keep_for", "keep_logs"] as const;
export type Settable = (typeof SETTABLE)[number];
export type ConfigFile = Partial<Record<Settable, string>>;

/** Errors: `invalid_input` for what is not YAML, for an unknown key and for a value that is no text. */
export function parseConfigFile(path: string): ConfigFile {
  const content = parseYaml(path) ?? {};
  const isMap = typeof content === "object" && !Array.isArray(content);
  const found: [string, unknown][] = isMap ? Object.entries(content) : [["", content]];
  const wrong = found.find(([key, value]) => !SETTABLE.includes(key as Settable) || typeof value !== "string");
  if (wrong === undefined) return Object.fromEntries(found) as ConfigFile;
  const [key] = wrong;
  throw new WaybillError("invalid_input", `The config file ${path} holds ${key === "" ? "no settings" : `"${key}"`}.`, {
    hint: `Expected any of ${SETTABLE.join(", ")}, each with a text.`,
  });
}

function parseYaml(path: string): unknown {
  try {
    return parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new WaybillError("invalid_input", `The config file ${path} cannot be read: ${(cause as Error).message}`, {
      cause,
      hint: "Expected YAML such as `store: file:/var/lib/waybill/waybill.db`.",
    });
  }
}
