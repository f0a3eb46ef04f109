"""What all of these scripts need: the gateway's address, a picture, a long text, and checks that say what they saw."""

import base64
import os

BASE = os.environ["POINTSMAN_BASE"]
# One transparent pixel.
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PICTURE_BYTES = base64.b64decode(PICTURE)
LONG = "A long conversation goes on and on. \"Quoted\", \\escaped\\, größer. " * 3_000
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def pong(text):
    """Checks an answer of the local upstream."""
    assert text.startswith("pong from "), repr(text)


def same(seen, wanted):
    assert seen == wanted, f"{seen!r} instead of {wanted!r}"


def fails(error, act):
    """Checks that `act` raises `error`, and returns it."""
    try:
        act()
    except error as raised:
        return raised
    raise AssertionError(f"{error.__name__} was not raised")
