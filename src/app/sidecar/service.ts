/** What a service gets of the interface that starts it: a server in front of it, a place for its log, and patience. */
import type { AuthMode } from "../../contracts/serve.js";
import type { Log } from "../../observe/log.js";
import type { Sidecar } from "./sidecar.js";

export interface ListenOptions {
  readonly port: number;
  readonly bind: string;
  readonly auth: AuthMode;
  /** Null unless `auth` is `token`. */
  readonly token: string | null;
  /** Bytes. */
  readonly bodyLimit: number;
  readonly version: string;
  readonly log: Log;
}

export interface Listening {
  readonly url: string;
  /** Accepts nothing more, and resolves when requests under way are answered. */
  close(): Promise<void>;
}

export interface Service {
  /** Errors: `address_unavailable`. */
  readonly listen: (sidecar: Sidecar, options: ListenOptions) => Promise<Listening>;
  /** Aborted when nobody wants to wait for handlers any more. */
  readonly hurry: AbortSignal;
  readonly version: string;
  /** Takes the lines of its log, each with its line end. */
  readonly write: (line: string) => void;
}
