// The Vercel AI SDK, with the providers that agents use it with.

import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, jsonSchema, streamText, tool } from "ai";

import { BASE, LONG, PICTURE, WEATHER, fails, pong, same } from "./expect.mjs";

const apiKey = "unused";
const openai = createOpenAI({ baseURL: `${BASE}/v1`, apiKey });
const compatible = createOpenAICompatible({ name: "local", baseURL: `${BASE}/v1`, apiKey });
const served = [
  ["anthropic", createAnthropic({ baseURL: `${BASE}/v1`, apiKey })("claude-sonnet-4-6")],
  ["openai", openai("gpt-5")],
  ["openai", openai.chat("gpt-5")],
  ["openai", compatible("gpt-5")],
  ["gemini", createGoogleGenerativeAI({ baseURL: `${BASE}/v1beta`, apiKey })("gemini-3-flash")],
];

for (const [provider, model] of served) {
  const ask = (more) => ({ model, maxRetries: 0, ...more });
  pong((await generateText(ask({ prompt: "hi" }))).text);

  let text = "";
  for await (const piece of streamText(ask({ prompt: "hi" })).textStream) text += piece;
  pong(text);

  const image = Buffer.from(PICTURE, "base64");
  const content = [
    { type: "file", data: image, mediaType: "image/png" },
    { type: "text", text: LONG },
  ];
  pong((await generateText(ask({ messages: [{ role: "user", content }] }))).text);

  const weather = tool({ description: "The weather.", inputSchema: jsonSchema(WEATHER) });
  const forced = { prompt: "hi", tools: { weather }, toolChoice: "required" };
  for (const calls of [
    (await generateText(ask(forced))).toolCalls,
    await streamText(ask(forced)).toolCalls,
  ]) {
    same(calls.map((call) => call.toolName), ["weather"]);
    pong(calls[0].input.city);
  }

  const headers = { "x-pointsman-account": `${provider}:spent-${provider}` };
  const limited = await fails(
    (error) => error.statusCode === 429,
    () => generateText(ask({ prompt: "hi", headers })),
  );
  same(limited.isRetryable, true);
}
