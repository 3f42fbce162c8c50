/** A program that goes on until the test lets it end, so that nothing has to guess how long it takes. */
import { existsSync, writeFileSync } from "node:fs";
import type { Sandbox } from "../harness/sandbox.js";
import { until } from "../harness/until.js";

export interface Gate {
  /** Shell lines that note the start, then wait for the gate. */
  readonly script: string;
  /** Resolves once the program waits at the gate. */
  reached(): Promise<void>;
  open(): void;
}

export function gateIn(box: Sandbox, name: string): Gate {
  const here = box.path(`${name}.reached`);
  const key = box.path(`${name}.open`);
  return {
    script: `: > '${here}'\nwhile [ ! -e '${key}' ]; do sleep 0.05; done`,
    reached: async () => {
      await until(`a program reaches the gate ${name}`, () => existsSync(here));
    },
    open: () => writeFileSync(key, ""),
  };
}
