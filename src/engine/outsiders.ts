/** Functions of the program around an engine, called where nothing may fail: what they hear of has happened already. */
import type { Log } from "../observe/log.js";
import type { EngineRuntime } from "./runtime.js";
import { failureOf } from "./thrown.js";

/** Calls `listen`, and `onFault` when it throws, or when a promise that it answers with rejects. */
function call(listen: () => unknown, onFault: (fault: unknown) => void): void {
  try {
    const answer = listen();
    if (answer instanceof Promise) answer.catch(onFault);
  } catch (fault) {
    onFault(fault);
  }
}

/** A log that never throws. */
export const harmlessLog = (log: Log): Log => {
  // There is nobody left who could be told.
  const forget = (): void => undefined;
  return (event, fields) => call(() => log(event, fields), forget);
};

/** An observer that never throws; `log` is told of its faults. */
export const harmlessObserver = (observe: EngineRuntime["observe"], log: Log): EngineRuntime["observe"] => {
  const tell = (fault: unknown): void => log("engine.observe_failed", { error: failureOf(fault).message });
  return (fact) => call(() => observe(fact), tell);
};
