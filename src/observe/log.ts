/** Log lines are events with fields. What receives them is chosen at the composition root; nothing here writes. */

export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

/** `event` is a dotted name such as `run.adopted`; never put values of variables into `fields`. */
export type Log = (event: string, fields: LogFields) => void;

export const silentLog: Log = () => undefined;

/** One JSON object a line, for the log file of a dispatcher. */
export function jsonLog(write: (line: string) => void, clock: () => number): Log {
  return (event, fields) => write(`${JSON.stringify({ at: new Date(clock()).toISOString(), event, ...fields })}\n`);
}
