// Pointsman for opencode: the library is loaded into opencode's own process, and every provider that has
// accounts in pointsman.yaml sends its requests through it.
//
// Drop this file and the library into opencode's plugin folder (`pointsman install opencode` does), or name
// it in opencode.json to give it options:
//
//     "plugin": [["./pointsman.ts", { "quota_fallback": true, "toasts": "all" }]]
//
// Requests go over a unix socket that only this process's user can open. Callbacks from other threads crash
// the Bun inside of opencode, so notices are polled.
//
// opencode 1.x calls `server`, opencode 2.x calls `setup`; from 1.18.29 on 1.x calls both, and `setup` finds no
// hooks there. A hook of 2.x returns a `Request`, which cannot name a unix socket: there the requests go to a
// port of the loopback, with a token.

import { CString, dlopen, type Pointer } from "bun:ffi";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The version of the C interface that this file was written for. */
const VERSION = { major: 1, minor: 0 };
/** How often notices are looked for, in milliseconds. */
const POLL = 250;
/** How long a toast is seen, in milliseconds. */
const SEEN = 6_000;
/** An error at the start is shown when the screen is there. */
const SCREEN = 2_000;
/** A port that the system chooses. */
const LOOPBACK = "127.0.0.1:0";
/** How a refusal of Pointsman begins. */
const REFUSAL = "Pointsman: no account can serve";
/** The status of a refusal that names a short wait. */
const TOO_MANY_REQUESTS = 429;

const FUNCTIONS = {
  pointsman_c_version: { returns: "u32" },
  pointsman_start: { args: ["cstring", "cstring", "cstring"], returns: "ptr" },
  pointsman_stop: { args: ["ptr", "u64"], returns: "i32" },
  pointsman_last_error: { returns: "ptr" },
  pointsman_status: { args: ["ptr"], returns: "ptr" },
  pointsman_next_notice: { args: ["ptr", "u32"], returns: "ptr" },
  pointsman_next_log: { args: ["ptr", "u32"], returns: "ptr" },
  pointsman_text_free: { args: ["ptr"] },
  pointsman_listen: { args: ["ptr", "cstring"], returns: "ptr" },
  pointsman_token: { args: ["ptr"], returns: "ptr" },
  pointsman_claims: { args: ["ptr", "cstring", "cstring"], returns: "i32" },
} as const;

type Notice = { text: string; severity: "info" | "warning" | "error"; met_by: "session" | "subagent" | "router" };
type Line = { level: "error" | "warn" | "info" | "debug" | "trace"; text: string };
type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
type Provider = { npm?: string; api?: string; options?: Record<string, unknown> };
type Config = { provider?: Record<string, Provider>; enabled_providers?: string[]; disabled_providers?: string[] };
/** What of opencode's client is used. */
type Client = {
  app: { log(call: { body: { service: string; level: string; message: string } }): Promise<unknown> };
  tui: { showToast(call: { body: Record<string, unknown> }): Promise<unknown> };
};

/** What of the context of opencode 2.x is used; 1.x has no `session.hook`. */
type Context = { options?: Options; session?: { hook?: Hook } };
type Hook = <Name extends keyof Events>(name: Name, act: (event: Events[Name]) => unknown) => unknown;
type Events = {
  "http.request": { request: Request; model?: { providerID?: string } };
  retry: { error: { message: string; status?: number }; decision: { retry: boolean; delay?: number } };
};
/** Where the router listens. */
type Place = { unix?: string; url: string; token?: string };

/** What may stand in opencode.json. Whatever else does is a setting, as in pointsman.yaml. */
type Options = {
  /** The library [default: $POINTSMAN_PLUGIN, beside this file, the user's plugin folder]. */
  library?: string;
  /** The path of a configuration, or one itself [default: the usual places]. */
  config?: string | object;
  /** Whose notices become toasts [default: root, which leaves out those that subagents met]. */
  toasts?: "root" | "all" | "none";
  /** The providers of opencode that may be taken over [default: all that Pointsman serves]. */
  providers?: string[];
} & Record<string, unknown>;

/** How the SDK of a provider asks, to find out whether Pointsman would route that. */
const ASKS: Record<string, { base: string; path: string }> = {
  "@ai-sdk/anthropic": { base: "https://api.anthropic.com/v1", path: "/messages" },
  "@ai-sdk/openai": { base: "https://api.openai.com/v1", path: "/responses" },
  "@ai-sdk/google": {
    base: "https://generativelanguage.googleapis.com/v1beta",
    path: "/models/any:generateContent",
  },
};
const ASKS_OTHERS = { base: "", path: "/chat/completions" };

/** The SDKs of the providers that opencode knows without being told. */
const KNOWN: Record<string, string> = {
  anthropic: "@ai-sdk/anthropic",
  openai: "@ai-sdk/openai",
  google: "@ai-sdk/google",
};

/** A router, running in this process. */
class Pointsman {
  /** The port of the loopback, opened for the first request that needs it. */
  private port?: Place;

  private constructor(
    private readonly c: ReturnType<typeof load>,
    private readonly router: Pointer,
    private readonly place: Place,
  ) {}

  static start(options: Options): Pointsman {
    const c = load(libraryPath(options));
    const inline = typeof options.config === "object" ? JSON.stringify(options.config) : undefined;
    const path = typeof options.config === "string" ? options.config : undefined;
    const router = c.pointsman_start(text(path), text(inline), text(environment(options)));
    if (!router) throw new Error(lastError(c));
    return new Pointsman(c, router, listen(c, router));
  }

  /** Fetches as the global function does, through the router. An abort closes the request upstream. */
  readonly fetch: Fetch = async (input, init = {}) => {
    const request = input instanceof Request ? input : undefined;
    const headers = addressed(this.place, request?.url ?? String(input), init.headers ?? request?.headers);
    const parts = request && { method: request.method, body: await request.arrayBuffer(), signal: request.signal };
    // How long an upstream may be silent is Pointsman's to say.
    const asked = { timeout: false, ...parts, ...init, headers, unix: this.place.unix };
    return fetch(this.place.url, asked as RequestInit);
  };

  /** Returns the same request to the port of the loopback. An abort of the one aborts the other. */
  async redirected(request: Request): Promise<Request> {
    this.port ??= listen(this.c, this.router, LOOPBACK);
    const headers = addressed(this.port, request.url, request.headers);
    const body = request.body ? await request.arrayBuffer() : undefined;
    return new Request(this.port.url, { method: request.method, headers, body, signal: request.signal });
  }

  claims(url: string, method = "POST"): boolean {
    return this.c.pointsman_claims(this.router, text(method), text(url)) === 1;
  }

  status(): { quiet_mode?: boolean; accounts?: { provider: string }[] } {
    return JSON.parse(taken(this.c, this.c.pointsman_status(this.router)) ?? "{}");
  }

  *notices(): Generator<Notice> {
    let notice: string | undefined;
    while ((notice = taken(this.c, this.c.pointsman_next_notice(this.router, 0)))) yield JSON.parse(notice);
  }

  *lines(): Generator<Line> {
    let line: string | undefined;
    while ((line = taken(this.c, this.c.pointsman_next_log(this.router, 0)))) yield JSON.parse(line);
  }

  stop() {
    this.c.pointsman_stop(this.router, 0n);
  }
}

function load(path: string) {
  const c = dlopen(path, FUNCTIONS).symbols;
  const [major, minor] = [c.pointsman_c_version() >>> 16, c.pointsman_c_version() & 0xffff];
  if (major !== VERSION.major || minor < VERSION.minor) {
    const needed = `${VERSION.major}.${VERSION.minor}`;
    throw new Error(`${path} has version ${major}.${minor} of the C interface, and this plugin needs ${needed}; install both anew`);
  }
  return c;
}

/** Opens the router to this process: on a unix socket where there are such, or at an address. */
function listen(c: ReturnType<typeof load>, router: Pointer, at?: string): Place {
  const address = taken(c, c.pointsman_listen(router, text(at))) ?? fail(lastError(c));
  return address.startsWith("unix:")
    ? { unix: address.slice("unix:".length), url: "http://pointsman/" }
    : { url: `http://${address}/`, token: taken(c, c.pointsman_token(router)) };
}

/** Adds to the headers of a request where it would have gone, and the token of the place. */
function addressed(place: Place, target: string, given?: RequestInit["headers"]): Headers {
  const headers = new Headers(given);
  headers.set("x-pointsman-target", target);
  if (place.token) headers.set("x-pointsman-token", place.token);
  return headers;
}

function libraryPath(options: Options): string {
  const name = { darwin: "libpointsman_plugin.dylib", win32: "pointsman_plugin.dll" }[process.platform as string];
  const file = name ?? "libpointsman_plugin.so";
  const data = process.env.XDG_DATA_HOME ?? join(homedir(), ".local", "share");
  const named = options.library ?? process.env.POINTSMAN_PLUGIN;
  const places = named
    ? [named]
    : [join(dirname(fileURLToPath(import.meta.url)), file), join(data, "pointsman", "plugins", file)];
  return places.find(existsSync) ?? fail(`no library at ${places.join(" or ")}; run: pointsman install opencode`);
}

/** Settings among the options, as the variables that override single ones, over opencode's own variables:
 *  the library does not see what Bun keeps for itself. */
function environment(options: Options): string {
  const own = new Set(["library", "config", "toasts", "providers"]);
  const settings = Object.entries(options).filter(([name]) => !own.has(name));
  const structured = settings.find(([, value]) => typeof value === "object");
  if (structured) throw new Error(`\`${structured[0]}\` is no single value; put it into \`config\``);
  const variables = Object.entries(process.env).filter(([, value]) => value !== undefined && !value.includes("\n"));
  return [...variables, ...settings.map(([name, value]) => [`POINTSMAN_${name.toUpperCase()}`, String(value)])]
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}

function text(value: string | undefined) {
  return value === undefined ? null : Buffer.from(`${value}\0`);
}

/** Takes a text over from the library. */
function taken(c: ReturnType<typeof load>, pointer: Pointer | null): string | undefined {
  if (!pointer) return undefined;
  const copy = new CString(pointer).toString();
  c.pointsman_text_free(pointer);
  return copy;
}

function lastError(c: ReturnType<typeof load>): string {
  const pointer = c.pointsman_last_error();
  return pointer ? new CString(pointer).toString() : "no reason was given";
}

function fail(why: string): never {
  throw new Error(why);
}

/** Says whether Pointsman would route what a provider asks. */
function serves(pointsman: Pointsman, id: string, provider: Provider): boolean {
  const asks = ASKS[provider.npm ?? KNOWN[id] ?? ""] ?? ASKS_OTHERS;
  const base = String(provider.options?.baseURL ?? provider.api ?? asks.base).replace(/\/+$/, "");
  if (base) return pointsman.claims(base + asks.path);
  return (pointsman.status().accounts ?? []).some((account) => account.provider === id);
}

/** Gives each provider that Pointsman serves its fetch; those that opencode knows need not be configured. */
function takeOver(pointsman: Pointsman, config: Config, options: Options): string[] {
  const isAllowed = (id: string) =>
    (options.providers?.includes(id) ?? true) &&
    (config.enabled_providers?.includes(id) ?? true) &&
    !config.disabled_providers?.includes(id);
  const providers = (config.provider ??= {});
  const ids = new Set([...Object.keys(providers), ...Object.keys(KNOWN)]);
  const served = [...ids].filter((id) => isAllowed(id) && serves(pointsman, id, providers[id] ?? {}));
  for (const id of served) {
    const provider = (providers[id] ??= {});
    // opencode leaves a provider out that has no key; Pointsman puts one of its accounts in.
    provider.options = { apiKey: "pointsman", ...provider.options, fetch: pointsman.fetch };
  }
  return served;
}

/** Says what happened where a person looks: toasts in the TUI, a line on standard error in a single run. */
class Teller {
  private readonly isRun = process.argv.includes("run");
  /** opencode keeps the log of plugins to itself, so whoever asks for the log gets ours beside it. */
  private readonly printsLog = process.argv.includes("--print-logs");

  constructor(
    /** opencode 2.x gives none to a plugin. */
    private readonly client: Client | undefined,
    private readonly toasts: Options["toasts"] = "root",
  ) {}

  log(level: string, message: string) {
    const known = level === "trace" ? "debug" : level;
    if (this.printsLog) process.stderr.write(`pointsman: ${level}: ${message}\n`);
    this.client?.app.log({ body: { service: "pointsman", level: known, message } }).catch(() => {});
  }

  notice(notice: Notice, isQuiet: boolean) {
    this.log(notice.severity === "warning" ? "warn" : notice.severity, notice.text);
    // What needs its owner is shown whoever met it.
    const isMine = this.toasts === "all" || notice.met_by !== "subagent" || notice.severity === "error";
    if (!isQuiet && this.toasts !== "none" && isMine) this.show(notice.text, notice.severity);
  }

  show(message: string, variant: Notice["severity"]) {
    if (this.isRun) process.stderr.write(`pointsman: ${message}\n`);
    const body = { title: "Pointsman", message, variant, duration: SEEN };
    this.client?.tui.showToast({ body }).catch(() => {});
  }

  /** One clear line, and opencode goes on. */
  failed(error: unknown) {
    const why = error instanceof Error ? error.message : String(error);
    const line = `not loaded: ${why.split("\n").join(" ")}`;
    this.log("error", line);
    if (this.isRun) return this.show(line, "error");
    setTimeout(() => this.show(line, "error"), SCREEN).unref();
  }
}

/** A router and who is told of it. */
type Shared = { pointsman: Pointsman; tellers: Set<Teller> };

/** opencode starts a plugin for each folder that it works in; they share a router, and so what it knows. */
const running = new Map<string, Shared>();

function share(options: Options, teller: Teller): Pointsman {
  const { toasts: _, ...rest } = options;
  const key = JSON.stringify(rest);
  const shared = running.get(key) ?? { pointsman: Pointsman.start(options), tellers: new Set<Teller>() };
  shared.tellers.add(teller);
  if (!running.has(key)) watch(shared);
  running.set(key, shared);
  return shared.pointsman;
}

function watch({ pointsman, tellers }: Shared) {
  const look = () => {
    for (const line of pointsman.lines()) for (const teller of tellers) teller.log(line.level, line.text);
    for (const notice of pointsman.notices()) {
      const isQuiet = pointsman.status().quiet_mode ?? false;
      for (const teller of tellers) teller.notice(notice, isQuiet);
    }
  };
  const timer = setInterval(look, POLL);
  timer.unref();
  process.once("exit", () => {
    clearInterval(timer);
    look();
    pointsman.stop();
  });
}

/** What opencode 1.x calls. */
async function server({ client }: { client: Client }, options: Options = {}) {
  const teller = new Teller(client, options.toasts);
  try {
    const pointsman = share(options, teller);
    return {
      config: async (config: Config) => {
        try {
          const served = takeOver(pointsman, config, options);
          teller.log("info", served.length ? `serves ${served.join(", ")}` : "serves no provider of opencode");
        } catch (error) {
          teller.failed(error);
        }
      },
    };
  } catch (error) {
    teller.failed(error);
    return {};
  }
}

/** What opencode 2.x calls, and 1.x from 1.18.29 on. Returns what ends it, where it did something. */
async function setup(context?: Context): Promise<(() => void) | undefined> {
  const session = context?.session;
  if (!session?.hook) return undefined;
  const options = context?.options ?? {};
  const teller = new Teller(undefined, options.toasts);
  try {
    const pointsman = share(options, teller);
    await session.hook("http.request", (event) => redirect(pointsman, event, options));
    await session.hook("retry", endRefused);
    teller.log("info", "serves requests of sessions");
  } catch (error) {
    teller.failed(error);
  }
  return () => leave(teller);
}

/** Sends what Pointsman serves to it, and leaves every other request as it is. */
async function redirect(pointsman: Pointsman, event: Events["http.request"], options: Options) {
  const isAllowed = options.providers?.includes(event.model?.providerID ?? "") ?? true;
  const { url, method } = event.request;
  if (isAllowed && pointsman.claims(url, method)) event.request = await pointsman.redirected(event.request);
}

/** Pointsman has tried every account. An attempt of opencode helps only after the wait that a 429 names. */
function endRefused(event: Events["retry"]) {
  const { message, status } = event.error;
  if (message.includes(REFUSAL) && status !== TOO_MANY_REQUESTS) event.decision = { retry: false };
}

/** Tells it nothing more; its router goes on for the other folders. */
function leave(teller: Teller) {
  for (const { tellers } of running.values()) tellers.delete(teller);
}

export default { id: "pointsman", server, setup };
