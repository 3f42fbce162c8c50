/** The log of a service: one event a line, as JSON for programs or as text for people. */
import { pino } from "pino";
import type { Log } from "./log.js";

/** An event that somebody should look at says so in its name; the rest is the course of things. */
const ALARMING = /(failed|lost|refused|quarantined|delayed|unhandled)$/;

interface Line {
  readonly level: string;
  readonly at: string;
  readonly event: string;
}

/** `14:02:07.123 warn engine.claim_failed error="database is locked"` */
function toText(json: string): string {
  const { level, at, event, ...fields } = JSON.parse(json) as Line & Record<string, unknown>;
  const said = Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `${[at.slice(11, -1), level, event, ...said].join(" ")}\n`;
}

/** @param write takes whole lines, each with its line end. */
export function serviceLog(format: "json" | "text", write: (line: string) => void): Log {
  const logger = pino(
    {
      base: null,
      messageKey: "event",
      timestamp: () => `,"at":"${new Date().toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
      redact: ["token", "authorization"],
    },
    { write: (line: string) => write(format === "json" ? line : toText(line)) },
  );
  return (event, fields) => logger[ALARMING.test(event) ? "warn" : "info"](fields, event);
}
