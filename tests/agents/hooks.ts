// Sets the adapter up with contexts such as those of opencode 1.x and 2.x, and prints what came of it.

import plugin from "../../host-demo/opencode/pointsman.ts";

// The adapter says on standard error what it does, where the log is asked for.
process.argv.push("--print-logs");
const told: string[] = [];
process.stderr.write = (text: unknown) => Boolean(told.push(String(text)));

const options = { providers: ["anthropic", "google"], toasts: "none" as const };
const nowhere = { ...options, library: "/nowhere" };
const without: any[] = [undefined, {}, { options: nowhere }, { options: nowhere, session: {} }];
const ends: unknown[] = [];
for (const context of without) ends.push(await plugin.setup(context));
const quiet = ends.every((end) => end === undefined) && told.length === 0;

const broken = await plugin.setup({ options: nowhere, session: { hook: () => {} } });
broken?.();
const failure = told.splice(0).join("");

const hooks: any = {};
// It is a method: it needs its session.
const session = { hooks, hook(name: string, act: unknown) { this.hooks[name] = act; } };
const end = await plugin.setup({ options, session } as any);

const redirected = async (providerID: string, url: string, body?: object, signal?: AbortSignal) => {
  const headers = { "content-type": "application/json", "user-agent": "opencode/2.1.0", "x-opencode-session-id": "ses" };
  const init = body ? { method: "POST", body: JSON.stringify(body) } : {};
  const event = { request: new Request(url, { headers, signal, ...init }), model: { providerID } };
  const before = event.request;
  await hooks["http.request"](event);
  return { request: event.request, same: before === event.request };
};

const anthropic = "https://api.anthropic.com/v1/messages";
const gemini = "https://generativelanguage.googleapis.com/v1beta/models/gemini-3-flash:generateContent";
const message = { model: "claude-sonnet-4-6", max_tokens: 64, messages: [{ role: "user", content: "say hi" }] };

const { request } = await redirected("anthropic", anthropic, message);
const copy = request.clone();
const { hostname } = new URL(request.url);
const target = request.headers.get("x-pointsman-target");
const answer = await fetch(request);
await answer.text();
copy.headers.delete("x-pointsman-token");
const stranger = await fetch(copy);
await stranger.text();

const abort = new AbortController();
const aborted = await redirected("anthropic", anthropic, message, abort.signal);
abort.abort();

const left = [
  (await redirected("openai", anthropic, message)).same,
  (await redirected("anthropic", "https://unknown.example/v1/messages", message)).same,
  (await redirected("anthropic", "https://unknown.example/status")).same,
];

// A refusal ends the request, unless it says how long to wait; what others answer is opencode's to decide.
const refused = await fetch((await redirected("google", gemini, { contents: [{ parts: [{ text: "say hi" }] }] })).request);
const refusal = { status: refused.status, message: String(((await refused.json()) as any).error.message) };
const decided = (error: { message: string; status?: number }) => {
  const event = { error, decision: { retry: true, delay: 1 } };
  hooks.retry(event);
  return event.decision.retry;
};
const retries = [
  decided(refusal),
  decided({ ...refusal, status: 429 }),
  decided({ status: 503, message: "overloaded" }),
];

end?.();
process.once("exit", () =>
  console.log(
    JSON.stringify({
      quiet, failure, names: Object.keys(hooks), hostname, target, status: answer.status,
      stranger: stranger.status, aborts: aborted.request.signal.aborted, left, refusal: refusal.status, retries,
    }),
  ),
);
process.exit(0);
