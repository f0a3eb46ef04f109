import { ApiError, FunctionCallingConfigMode, GoogleGenAI } from "@google/genai";

import { BASE, LONG, PICTURE, WEATHER, fails, pong, same } from "./expect.mjs";

const model = "gemini-3-flash";
const { models } = new GoogleGenAI({ apiKey: "unused", httpOptions: { baseUrl: BASE } });

pong((await models.generateContent({ model, contents: "hi" })).text);

let text = "";
for await (const chunk of await models.generateContentStream({ model, contents: "hi" })) text += chunk.text ?? "";
pong(text);

const parts = [{ inlineData: { mimeType: "image/png", data: PICTURE } }, { text: LONG }];
pong((await models.generateContent({ model, contents: [{ role: "user", parts }] })).text);

const config = {
  tools: [{ functionDeclarations: [{ name: "weather", description: "The weather.", parametersJsonSchema: WEATHER }] }],
  toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.ANY } },
};
const whole = (await models.generateContent({ model, contents: "hi", config })).functionCalls;
const streamed = [];
for await (const chunk of await models.generateContentStream({ model, contents: "hi", config }))
  streamed.push(...(chunk.functionCalls ?? []));
for (const calls of [whole, streamed]) {
  same(calls.map((call) => call.name), ["weather"]);
  pong(calls[0].args.city);
}

same((await models.countTokens({ model, contents: "hi" })).totalTokens > 0, true);
const names = [];
for await (const known of await models.list()) names.push(known.name);
same(names.includes(`models/${model}`), true);

const pinned = { httpOptions: { headers: { "x-pointsman-account": "gemini:spent-gemini" } } };
const limited = await fails(
  (error) => error instanceof ApiError,
  () => models.generateContent({ model, contents: "hi", config: pinned }),
);
same(limited.status, 429);
