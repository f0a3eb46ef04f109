// What all of these scripts need: the gateway's address, a picture, a long text, and checks that say what they saw.

import assert from "node:assert/strict";

export const BASE = process.env.POINTSMAN_BASE;
// One transparent pixel.
export const PICTURE =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
export const LONG = 'A long conversation goes on and on. "Quoted", \\escaped\\, größer. '.repeat(3_000);
export const WEATHER = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

export const same = assert.deepEqual;

/** Checks an answer of the local upstream. */
export const pong = (text) => assert.match(text, /^pong from /);

/** Checks that `act` fails with this class of error, and returns it. */
export async function fails(kind, act) {
  try {
    await act();
  } catch (error) {
    assert.ok(kind(error), `another error: ${error}`);
    return error;
  }
  assert.fail("it did not fail");
}
