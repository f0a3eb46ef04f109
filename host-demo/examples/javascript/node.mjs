// Asks a model through a Pointsman that another program has opened by `pointsman_listen`.
//
//     node node.mjs unix:PATH "Say hello."
//     node node.mjs 127.0.0.1:PORT "Say hello." TOKEN

import { request } from "node:http";

const [address, prompt, token] = process.argv.slice(2);
const place = address.startsWith("unix:")
  ? { socketPath: address.slice("unix:".length) }
  : { host: address.slice(0, address.lastIndexOf(":")), port: address.slice(address.lastIndexOf(":") + 1) };

const headers = {
  "content-type": "application/json",
  "anthropic-version": "2023-06-01",
  // Where the request would have gone without Pointsman.
  "x-pointsman-target": "https://api.anthropic.com/v1/messages",
  ...(token ? { "x-pointsman-token": token } : {}),
};
const body = JSON.stringify({
  model: "claude-sonnet-4-6",
  max_tokens: 64,
  stream: true,
  messages: [{ role: "user", content: prompt }],
});

const asked = request({ ...place, path: "/", method: "POST", headers }, (answer) => {
  console.error(answer.statusCode, answer.headers["x-pointsman-account"]);
  process.exitCode = answer.statusCode === 200 ? 0 : 1;
  answer.pipe(process.stdout);
  answer.on("error", fail);
});
asked.on("error", fail);
asked.end(body);

function fail(error) {
  console.error(String(error));
  process.exitCode = 1;
}
