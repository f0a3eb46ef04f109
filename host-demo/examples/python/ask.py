"""Asks a model through Pointsman, with nothing but Python's own ctypes.

    python3 ask.py libpointsman_plugin.so pointsman.yaml "Say hello."
"""

import ctypes
import json
import sys
from ctypes import c_char_p, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p

VERSION = 1 << 16

# What each function returns and takes, as pointsman.h says. A text that is to be freed is a plain
# pointer: ctypes would copy it and lose the address.
SIGNATURES = {
    "pointsman_c_version": (c_uint32, []),
    "pointsman_start": (c_void_p, [c_char_p, c_char_p, c_char_p]),
    "pointsman_stop": (c_int32, [c_void_p, c_uint64]),
    "pointsman_last_error": (c_char_p, []),
    "pointsman_status": (c_void_p, [c_void_p]),
    "pointsman_next_notice": (c_void_p, [c_void_p, c_uint32]),
    "pointsman_text_free": (None, [c_void_p]),
    "pointsman_request_new": (c_void_p, [c_void_p, c_char_p, c_char_p]),
    "pointsman_request_header": (c_int32, [c_void_p, c_char_p, c_char_p]),
    "pointsman_request_body": (c_int32, [c_void_p, c_char_p, c_size_t]),
    "pointsman_fetch": (c_int32, [c_void_p]),
    "pointsman_read": (c_int64, [c_void_p, c_char_p, c_size_t]),
    "pointsman_answer_header": (c_char_p, [c_void_p, c_char_p]),
    "pointsman_request_free": (None, [c_void_p]),
}


class Pointsman:
    """A router, from `with` to its end."""

    def __init__(self, library, config):
        self.library = ctypes.CDLL(library)
        for name, (result, arguments) in SIGNATURES.items():
            function = getattr(self.library, name)
            function.restype, function.argtypes = result, arguments
        version = self.library.pointsman_c_version()
        if version >> 16 != VERSION >> 16 or version < VERSION:
            raise RuntimeError(f"{library} has version {version:#x} of the C interface, not {VERSION:#x}")
        self.router = self.library.pointsman_start(config.encode(), None, None)
        if not self.router:
            raise RuntimeError(self.error())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.library.pointsman_stop(self.router, 1000)

    def error(self):
        return self.library.pointsman_last_error().decode()

    def text(self, pointer):
        """Takes a text over."""
        if not pointer:
            return None
        text = ctypes.string_at(pointer).decode()
        self.library.pointsman_text_free(pointer)
        return text

    def notices(self):
        while notice := self.text(self.library.pointsman_next_notice(self.router, 0)):
            yield json.loads(notice)

    def status(self):
        return json.loads(self.text(self.library.pointsman_status(self.router)))

    def post(self, url, headers, body):
        """Yields the status and the account, then the pieces of the body. ctypes lets other threads of
        Python run while a call waits."""
        library = self.library
        request = library.pointsman_request_new(self.router, b"POST", url.encode())
        try:
            for name, value in headers.items():
                library.pointsman_request_header(request, name.encode(), value.encode())
            library.pointsman_request_body(request, body, len(body))
            status = library.pointsman_fetch(request)
            if status < 0:
                raise RuntimeError(self.error())
            yield status, library.pointsman_answer_header(request, b"x-pointsman-account")
            piece = ctypes.create_string_buffer(4096)
            while (read := library.pointsman_read(request, piece, len(piece))) > 0:
                yield piece.raw[:read]
            if read < 0:
                raise RuntimeError(self.error())
        finally:
            library.pointsman_request_free(request)


def main(library, config, prompt):
    body = {"model": "claude-sonnet-4-6", "max_tokens": 64, "stream": True}
    body["messages"] = [{"role": "user", "content": prompt}]
    headers = {"content-type": "application/json", "anthropic-version": "2023-06-01"}
    with Pointsman(library, config) as pointsman:
        answer = pointsman.post(
            "https://api.anthropic.com/v1/messages", headers, json.dumps(body).encode()
        )
        status, account = next(answer)
        print(status, (account or b"nobody").decode(), file=sys.stderr)
        for piece in answer:
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
        for notice in pointsman.notices():
            print(notice["text"], file=sys.stderr)
        answered = pointsman.status()["counters"]["answered"]
        print(f"{answered} answered", file=sys.stderr)
    return 0 if status == 200 else 1


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: ask.py LIBRARY CONFIG PROMPT")
    sys.exit(main(*sys.argv[1:]))
