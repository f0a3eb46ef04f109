import OpenAI, { RateLimitError } from "openai";

import { BASE, LONG, PICTURE, WEATHER, fails, pong, same } from "./expect.mjs";

const model = "gpt-5";
const client = new OpenAI({ baseURL: `${BASE}/v1`, apiKey: "unused", maxRetries: 0 });
const image = `data:image/png;base64,${PICTURE}`;
const messages = [{ role: "user", content: "hi" }];
const chat = (more, options) => client.chat.completions.create({ model, messages, ...more }, options);

// Chat Completions.
pong((await chat()).choices[0].message.content);

let text = "";
for await (const chunk of await chat({ stream: true })) text += chunk.choices[0]?.delta?.content ?? "";
pong(text);

const parts = [
  { type: "image_url", image_url: { url: image } },
  { type: "text", text: LONG },
];
pong((await chat({ messages: [{ role: "user", content: parts }] })).choices[0].message.content);

const tools = [{ type: "function", function: { name: "weather", parameters: WEATHER } }];
const called = await chat({ tools, tool_choice: { type: "function", function: { name: "weather" } } });
same(called.choices[0].finish_reason, "tool_calls");
pong(JSON.parse(called.choices[0].message.tool_calls[0].function.arguments).city);

// Responses.
pong((await client.responses.create({ model, input: "hi" })).output_text);

const stream = client.responses.stream({ model, input: "hi" });
let heard = "";
stream.on("response.output_text.delta", (event) => (heard += event.delta));
same((await stream.finalResponse()).status, "completed");
pong(heard);

const shown = [
  { type: "input_image", image_url: image, detail: "auto" },
  { type: "input_text", text: LONG },
];
pong((await client.responses.create({ model, input: [{ role: "user", content: shown }] })).output_text);

const forced = {
  tools: [{ type: "function", name: "weather", parameters: WEATHER, strict: false }],
  tool_choice: { type: "function", name: "weather" },
};
for (const final of [
  await client.responses.create({ model, input: "hi", ...forced }),
  await client.responses.stream({ model, input: "hi", ...forced }).finalResponse(),
]) {
  same(final.output[0].name, "weather");
  pong(JSON.parse(final.output[0].arguments).city);
}

same((await client.models.list()).data.some((known) => known.id === model), true);

const pinned = { headers: { "x-pointsman-account": "openai:spent-openai" } };
const limited = await fails((error) => error instanceof RateLimitError, () => chat({}, pinned));
same([limited.status, limited.code], [429, "rate_limit_exceeded"]);
