// Runs the adapter with a client that only remembers, and prints what a person would have seen.

import plugin from "../../host-demo/opencode/pointsman.ts";

const options = JSON.parse(process.argv[2]);
const toasts: string[] = [];
const client = {
  app: { log: async () => {} },
  tui: { showToast: async (call: { body: Record<string, unknown> }) => void toasts.push(String(call.body.message)) },
};

const hooks = await plugin.server({ client }, options);
const config: any = {
  provider: {
    // Its base URL is that of a configured provider, whatever its name.
    elsewhere: { npm: "@ai-sdk/anthropic", options: { baseURL: "https://api.anthropic.com/v1" } },
    unknown: { npm: "@ai-sdk/openai-compatible", options: { baseURL: "https://unknown.example/v1" } },
  },
  disabled_providers: ["openai"],
};
await hooks.config?.(config);
// opencode starts it again for another folder.
const again: any = { provider: {} };
await (await plugin.server({ client: { ...client, tui: { showToast: async () => {} } } }, options)).config?.(again);
const shared = again.provider.anthropic.options.fetch === config.provider.anthropic.options.fetch;
const served = Object.keys(config.provider).filter((id) => config.provider[id].options?.fetch);

const ask = async (id: string, url: string, headers: Record<string, string>, body: object) => {
  const request = { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) };
  const { fetch } = config.provider[id].options;
  // Both forms that a caller of `fetch` may use.
  const answer: Response = headers["x-parent-session-id"] ? await fetch(new Request(url, request)) : await fetch(url, request);
  await answer.text();
  return answer.status;
};

const gemini = "https://generativelanguage.googleapis.com/v1beta/models/gemini-3-flash:generateContent";
const anthropic = "https://api.anthropic.com/v1/messages";
const turn = { role: "user", content: "say hi" };
const message = { model: "claude-sonnet-4-6", max_tokens: 64, messages: [turn] };
const statuses = [
  await ask("google", gemini, { "x-session-id": "child", "x-parent-session-id": "root" }, {
    contents: [{ role: "user", parts: [{ text: "say hi" }] }],
  }),
  await ask("anthropic", anthropic, { "x-session-id": "root" }, message),
  await ask("elsewhere", anthropic, { "x-session-id": "root" }, message),
];

// The adapter looks for notices a last time before it goes, and was asked first.
process.once("exit", () => console.log(JSON.stringify({ served, shared, statuses, toasts })));
process.exit(0);
