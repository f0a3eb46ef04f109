// Loads Pointsman into Bun, and asks a model by an ordinary `fetch` over its socket.
//
//     bun bun.ts libpointsman_plugin.so pointsman.yaml "Say hello."

import { CString, dlopen, type Pointer } from "bun:ffi";

const [library, config, prompt] = process.argv.slice(2);

const { symbols: pointsman } = dlopen(library, {
  pointsman_c_version: { returns: "u32" },
  pointsman_start: { args: ["cstring", "cstring", "cstring"], returns: "ptr" },
  pointsman_stop: { args: ["ptr", "u64"], returns: "i32" },
  pointsman_listen: { args: ["ptr", "cstring"], returns: "ptr" },
  pointsman_last_error: { returns: "cstring" },
  pointsman_text_free: { args: ["ptr"] },
});

const c = (text: string) => Buffer.from(text + "\0");

/** Takes a text over from the library. */
function taken(pointer: Pointer | null): string {
  if (!pointer) throw new Error(String(pointsman.pointsman_last_error()));
  const text = new CString(pointer).toString();
  pointsman.pointsman_text_free(pointer);
  return text;
}

if (pointsman.pointsman_c_version() >>> 16 !== 1) throw new Error("another version of Pointsman is needed");
const router = pointsman.pointsman_start(c(config), null, null);
if (!router) throw new Error(String(pointsman.pointsman_last_error()));
const unix = taken(pointsman.pointsman_listen(router, null)).replace("unix:", "");

const answer = await fetch("http://pointsman/", {
  unix,
  method: "POST",
  headers: {
    "content-type": "application/json",
    "anthropic-version": "2023-06-01",
    "x-pointsman-target": "https://api.anthropic.com/v1/messages",
  },
  body: JSON.stringify({
    model: "claude-sonnet-4-6",
    max_tokens: 64,
    stream: true,
    messages: [{ role: "user", content: prompt }],
  }),
});
console.error(answer.status, answer.headers.get("x-pointsman-account"));
for await (const piece of answer.body!) await Bun.write(Bun.stdout, piece);

pointsman.pointsman_stop(router, 1000n);
process.exit(answer.ok ? 0 : 1);
