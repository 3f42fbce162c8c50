/** Who may ask. Closed by default: only what the table of routes calls open is answered without credentials. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import type { AuthMode } from "../../contracts/serve.js";
import { type Route, SIDECAR_ROUTES } from "../../contracts/sidecar-routes.js";
import { WaybillError } from "../../domain/errors.js";

const OPEN_PATHS: ReadonlySet<string> = new Set(
  Object.values<Route>(SIDECAR_ROUTES)
    .filter(({ open }) => open)
    .map(({ path }) => path),
);
const USER_HEADER = "x-remote-user";
const LONGEST_USER = 256;

export interface GuardOptions {
  readonly bind: string;
  readonly auth: AuthMode;
  readonly token: string | null;
  /** Hears why a request was turned away. */
  readonly onRejected: (reason: string) => void;
}

export interface Asking {
  readonly path: string;
  readonly incoming: IncomingMessage;
}

const isLoopbackName = (name: string): boolean =>
  name === "localhost" || name === "[::1]" || (isIP(name) === 4 && name.startsWith("127."));

const urlOf = (text: string): URL | null => (URL.canParse(text) ? new URL(text) : null);

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

export class Guard {
  readonly #options: GuardOptions;
  readonly #expected: Buffer | null;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#expected = options.token === null ? null : digest(options.token);
  }

  /** @returns on whose behalf the request is; null when nobody can say. Errors: `forbidden`, `unauthorized`. */
  admit({ path, incoming }: Asking): string | null {
    this.#checkHost(incoming);
    this.#checkOrigin(incoming);
    if (OPEN_PATHS.has(path)) return null;
    if (this.#options.auth === "trusted-header") return this.#userOf(incoming);
    if (this.#options.auth === "token") this.#checkToken(incoming);
    return this.#options.auth === "token" ? "token" : null;
  }

  /** A page of another site can make its name lead here (DNS rebinding); its requests still carry that name. */
  #checkHost({ headers }: IncomingMessage): void {
    const bound = urlOf(`http://${isIP(this.#options.bind) === 6 ? `[${this.#options.bind}]` : this.#options.bind}`);
    if (bound !== null && !isLoopbackName(bound.hostname)) return;
    const host = urlOf(`http://${headers.host ?? ""}`)?.hostname ?? "";
    if (isLoopbackName(host)) return;
    throw this.#rejected("foreign_host", "forbidden", `The request is for the host "${headers.host ?? ""}".`);
  }

  /** Browsers say from where a page asks. No page but one of this server has business here. */
  #checkOrigin({ headers }: IncomingMessage): void {
    const { origin, host } = headers;
    if (origin === undefined || urlOf(origin)?.host === host) return;
    throw this.#rejected("foreign_origin", "forbidden", `The request comes from a page of "${origin}".`);
  }

  #checkToken({ headers }: IncomingMessage): void {
    const shown = /^bearer +(\S+) *$/i.exec(headers.authorization ?? "")?.[1];
    if (shown === undefined) throw this.#rejected("missing_token", "unauthorized", "The request shows no token.");
    // Digests have one length, so that comparing tells nothing about the token, not even its length.
    if (this.#expected !== null && timingSafeEqual(digest(shown), this.#expected)) return;
    throw this.#rejected("wrong_token", "unauthorized", "The request shows another token.");
  }

  /** Node joins repeated headers; the raw ones tell whether somebody added a second user behind the proxy's back. */
  #userOf({ rawHeaders }: IncomingMessage): string {
    const values = rawHeaders.filter((_value, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === USER_HEADER);
    const [user = ""] = values;
    if (values.length === 0) throw this.#rejected("missing_header", "unauthorized", "X-Remote-User is missing.");
    if (values.length > 1) {
      throw this.#rejected("duplicate_header", "unauthorized", `X-Remote-User is there ${values.length} times.`);
    }
    if (user.trim() === "") throw this.#rejected("empty_header", "unauthorized", "X-Remote-User is empty.");
    if (user.length <= LONGEST_USER) return user.trim();
    throw this.#rejected("long_header", "unauthorized", `X-Remote-User has more than ${LONGEST_USER} characters.`);
  }

  #rejected(reason: string, code: "unauthorized" | "forbidden", message: string): WaybillError {
    this.#options.onRejected(reason);
    return new WaybillError(code, message, { hint: HINTS[this.#options.auth][code] });
  }
}

const OWN_HOST = "Ask for localhost, and not from a web page of another site.";
const HINTS: Readonly<Record<AuthMode, Readonly<Record<"unauthorized" | "forbidden", string>>>> = {
  token: { unauthorized: "Send `Authorization: Bearer TOKEN`.", forbidden: OWN_HOST },
  "trusted-header": { unauthorized: "Send exactly one X-Remote-User, which the proxy sets.", forbidden: OWN_HOST },
  none: { unauthorized: "No credentials are needed.", forbidden: OWN_HOST },
};
