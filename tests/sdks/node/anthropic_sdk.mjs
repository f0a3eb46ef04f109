import Anthropic, { RateLimitError } from "@anthropic-ai/sdk";

import { BASE, LONG, PICTURE, WEATHER, fails, pong, same } from "./expect.mjs";

const model = "claude-sonnet-4-6";
const client = new Anthropic({ baseURL: BASE, apiKey: "unused", maxRetries: 0 });
const ask = (content, more) => ({ model, max_tokens: 64, messages: [{ role: "user", content }], ...more });

pong((await client.messages.create(ask("hi"), { headers: { "anthropic-beta": "one-2026-01-01" } })).content[0].text);

const stream = client.messages.stream(ask("hi"));
let text = "";
stream.on("text", (piece) => (text += piece));
same((await stream.finalMessage()).stop_reason, "end_turn");
pong(text);

const picture = { type: "image", source: { type: "base64", media_type: "image/png", data: PICTURE } };
pong((await client.messages.create(ask([picture, { type: "text", text: LONG }]))).content[0].text);

const forced = {
  tools: [{ name: "weather", description: "The weather.", input_schema: WEATHER }],
  tool_choice: { type: "tool", name: "weather" },
};
for (const final of [
  await client.messages.create(ask("hi", forced)),
  await client.messages.stream(ask("hi", forced)).finalMessage(),
]) {
  same([final.stop_reason, final.content[0].name], ["tool_use", "weather"]);
  pong(final.content[0].input.city);
}

same((await client.messages.countTokens({ model, messages: ask("hi").messages })).input_tokens > 0, true);
same((await client.models.list()).data.some((known) => known.id === model), true);

const pinned = { headers: { "x-pointsman-account": "anthropic:spent-anthropic" } };
const limited = await fails((error) => error instanceof RateLimitError, () => client.messages.create(ask("hi"), pinned));
same([limited.status, limited.error.error.type], [429, "rate_limit_error"]);

// Going away closes the request; the upstream's books are looked at by the harness.
const leaving = await client.messages.create({ ...ask("hi"), stream: true });
for await (const _ of leaving) break;
