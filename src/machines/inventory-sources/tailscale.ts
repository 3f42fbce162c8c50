/**
 * The devices of a tailnet, from Tailscale's API (https://tailscale.com/api). Credentials come from the environment and go
 * nowhere but to the API.
 */
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { WaybillError } from "../../domain/errors.js";
import type { MachineOs } from "../../domain/machine.js";
import type { FoundMachine } from "./found-machine.js";

const API = "https://api.tailscale.com";
/** How long one answer may take. */
const ANSWER_MS = 10_000;
/** A server that fails is asked again, so often and after such a rest, doubling. */
const AGAIN = { times: 2, restMs: 500 } as const;
/** A limit that lasts longer than this is told instead of waited for. */
const LONGEST_REST_MS = 10_000;
/** A device that the server does not call connected was there when it was seen so lately. */
const SEEN_MS = 5 * 60_000;

export interface TailscaleAccess {
  /** Default Tailscale's own; `WAYBILL_TAILSCALE_URL`. */
  readonly baseUrl: string;
  readonly credentials:
    | { readonly kind: "key"; readonly key: string }
    | { readonly kind: "client"; readonly id: string; readonly secret: string };
  /** Milliseconds that one answer may take; default 10 s. */
  readonly answerMs?: number;
}

/** Errors: `auth_failed` when the environment has no credentials. */
export function tailscaleAccess(environment: Readonly<Record<string, string | undefined>>): TailscaleAccess {
  const { TAILSCALE_API_KEY: key, TAILSCALE_OAUTH_CLIENT_ID: id, TAILSCALE_OAUTH_CLIENT_SECRET: secret } = environment;
  const baseUrl = environment.WAYBILL_TAILSCALE_URL || API;
  if (key) return { baseUrl, credentials: { kind: "key", key } };
  if (id && secret) return { baseUrl, credentials: { kind: "client", id, secret } };
  throw new WaybillError("auth_failed", "There are no credentials for Tailscale in the environment.", {
    hint: "Set TAILSCALE_API_KEY, or TAILSCALE_OAUTH_CLIENT_ID and TAILSCALE_OAUTH_CLIENT_SECRET (scope devices:core:read).",
  });
}

const device = z.object({
  name: z.string(),
  hostname: z.string().default(""),
  addresses: z.array(z.string()).default([]),
  os: z.string().default(""),
  tags: z.array(z.string()).default([]),
  lastSeen: z.string().nullish(),
  connectedToControl: z.boolean().nullish(),
});
type Device = z.output<typeof device>;
const devicesAnswer = z.object({ devices: z.array(device) });
const tokenAnswer = z.object({ access_token: z.string().min(1) });

/**
 * Devices by name. A tag `tag:gpu` is `gpu` here; the name is the first label of the MagicDNS name.
 *
 * Errors: `auth_failed`, and `source_unavailable` when the API cannot be reached, is too busy or answers something else.
 */
export async function listTailscaleMachines(access: TailscaleAccess, signal?: AbortSignal): Promise<FoundMachine[]> {
  const token = await tokenFor(access, signal);
  const request = { headers: { authorization: `Bearer ${token}` } };
  const { devices } = await ask(access, "/api/v2/tailnet/-/devices?fields=all", request, devicesAnswer, signal);
  return devices.map(toMachine).sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function tokenFor(access: TailscaleAccess, signal: AbortSignal | undefined): Promise<string> {
  const { credentials } = access;
  if (credentials.kind === "key") return credentials.key;
  const body = new URLSearchParams({ client_id: credentials.id, client_secret: credentials.secret });
  const answer = await ask(access, "/api/v2/oauth/token", { method: "POST", body }, tokenAnswer, signal);
  return answer.access_token;
}

async function ask<T>(
  access: TailscaleAccess,
  path: string,
  request: RequestInit,
  shape: z.ZodType<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  for (let round = 0; ; round += 1) {
    const answer = await send(access, path, request, signal);
    if (answer.ok) return read(answer.text, shape, path);
    const { status, retryAfterMs } = answer;
    if (status === 401 || status === 403) throw refused(status, path);
    const again = status === 429 || status >= 500;
    const restMs = retryAfterMs ?? AGAIN.restMs * 2 ** round;
    if (!again || round >= AGAIN.times || restMs > LONGEST_REST_MS) throw failed(status, path, retryAfterMs);
    await sleep(restMs, undefined, { signal });
  }
}

type Sent =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly status: number; readonly retryAfterMs: number | null };

async function send(
  { baseUrl, answerMs = ANSWER_MS }: TailscaleAccess,
  path: string,
  request: RequestInit,
  signal: AbortSignal | undefined,
): Promise<Sent> {
  const late = AbortSignal.timeout(answerMs);
  try {
    const limits = signal === undefined ? late : AbortSignal.any([late, signal]);
    const answer = await fetch(new URL(path, baseUrl), { ...request, redirect: "error", signal: limits });
    const text = await answer.text();
    if (answer.ok) return { ok: true, text };
    const seconds = Number(answer.headers.get("retry-after") ?? Number.NaN);
    return { ok: false, status: answer.status, retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : null };
  } catch (cause) {
    signal?.throwIfAborted();
    const reason =
      (cause as Error).cause instanceof Error ? ((cause as Error).cause as Error).message : (cause as Error).message;
    const why = late.aborted ? `there was no answer within ${answerMs} ms` : reason;
    throw unavailable(`Tailscale's API at ${baseUrl} cannot be reached: ${why}.`, path, { cause });
  }
}

function read<T>(text: string, shape: z.ZodType<T>, path: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw unavailable("Tailscale's API answered something that is no JSON.", path, { cause });
  }
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw unavailable(
    `Tailscale's API answered in an unknown form: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}.`,
    path,
    {},
  );
}

const unavailable = (message: string, path: string, { cause }: { readonly cause?: unknown }): WaybillError =>
  new WaybillError("source_unavailable", message, {
    hint: "Try again; https://status.tailscale.com tells of outages.",
    details: { path },
    ...(cause === undefined ? {} : { cause }),
  });

const refused = (status: number, path: string): WaybillError =>
  new WaybillError("auth_failed", `Tailscale's API refused the credentials (${status}).`, {
    hint: "The key may have expired; an OAuth client needs the scope devices:core:read.",
    details: { path, status },
  });

const failed = (status: number, path: string, retryAfterMs: number | null): WaybillError =>
  new WaybillError("source_unavailable", `Tailscale's API answered with ${status}.`, {
    hint: retryAfterMs === null ? "Try again later." : `Try again in ${Math.ceil(retryAfterMs / 1000)} s.`,
    details: { path, status, ...(retryAfterMs === null ? {} : { retry_after_ms: retryAfterMs }) },
  });

const SYSTEMS: Readonly<Record<string, MachineOs>> = { linux: "linux", macos: "macos", windows: "windows" };

function toMachine({ name, hostname, addresses, os, tags, lastSeen, connectedToControl }: Device): FoundMachine {
  const label = name.split(".")[0] || hostname;
  const seen = lastSeen == null ? null : Date.now() - Date.parse(lastSeen) < SEEN_MS;
  const online = connectedToControl ?? seen;
  const state = online === null ? "" : online ? ", online" : ", offline";
  return {
    name: label,
    host: name.includes(".") ? name : (addresses[0] ?? name),
    os: SYSTEMS[os.toLowerCase()] ?? null,
    tags: tags.map((tag) => tag.replace(/^tag:/, "")),
    online,
    about: `${addresses[0] ?? name}, ${os}${state}`,
  };
}
