#!/usr/bin/env python3
"""Measures the gateway beside nginx on a machine that does other things as well.

The same as `cargo bench -p pointsman-bench --bench gateway`, with wrk for the load and, as root, under real-time
priority, so that neighbours take neither processor nor cache away. Needs nginx, wrk, taskset, chrt and cc.

    cargo build --release && python3 tests/bench/beside_nginx.py target/release [ROUNDS [SCENARIO...]]
"""

import asyncio
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LINE = r"    let reply = client.say(\"pong\").await?;\n"
URGENT = ["chrt", "-f", "10"] if os.geteuid() == 0 else []
LOAD, MEASURED = "0", "1"


def head(stream):
    return '{"model":"claude-sonnet-4-6","max_tokens":64,"stream":%s,"messages":[' % json.dumps(stream)


def conversation(size, stream):
    """About `size` bytes, in messages of some 2 KB."""
    turns, left = "", (size - 120) // len(LINE)
    while left > 0:
        role = "assistant" if turns.count("role") % 2 else "user"
        turns += '{"role":"%s","content":"%s"},' % (role, LINE * min(left, 48))
        left -= 48
    return head(stream) + turns + '{"role":"user","content":"go on"}]}'


def one_message(size):
    return head(False) + '{"role":"user","content":"' + LINE * ((size - 120) // len(LINE)) + '"}]}'


LONG, SESSION = 262_144, 'wrk.headers["x-claude-code-session-id"] = "s"\n'
SHORT = {"total-bytes": 700}
SCENARIOS = {
    "json": (SHORT, conversation(1_024, False), ""),
    "long": (SHORT, conversation(LONG, False), SESSION),
    "long-unnamed": (SHORT, conversation(LONG, False), ""),
    "long-one": (SHORT, one_message(LONG), ""),
    "burst": ({"chunks": 52}, conversation(1_024, True), ""),
    "paced": ({"chunks": 52, "gap": "5ms"}, conversation(1_024, True), ""),
}


class Scene:
    """An upstream with nginx and the gateway before it."""

    def __init__(self, folder, pace, limit=""):
        self.scratch = Path(tempfile.mkdtemp())
        script = {"accounts": [{"label": "anonymous"}], "stranger": "anonymous", "recording": "off", "pace": pace}
        self.write("script.json", json.dumps({**script, "models": ["claude-sonnet-4-6"]}))
        self.upstream = self.start(LOAD, folder / "pointsman-upstream", "--script", self.scratch / "script.json")
        self.direct = self.told(self.upstream)
        accounts = "".join(f'  - {{id: "anthropic:a{n}", api_key: "key-{n}"{limit}}}\n' for n in range(16))
        provider = f'providers:\n  anthropic: {{base_url: "http://{self.direct}"}}\n'
        config = self.write("pointsman.yaml", f"{provider}accounts:\n{accounts}")
        serve = ["serve", "--quiet", "--listen", "127.0.0.1:0", "--config", config]
        library = folder / "libpointsman_plugin.so"
        self.gateway = self.start(MEASURED, folder / "pointsman", "--plugin", library, *serve)
        self.through_gateway = self.told(self.gateway)
        self.start_nginx()

    def start_nginx(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.through_nginx = "127.0.0.1:%d" % free.getsockname()[1]
        names = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        temporary = " ".join(f"{name}_temp_path {self.scratch}/{name};" for name in names)
        config = self.write(
            "nginx.conf",
            f"""daemon off; worker_processes 1; pid {self.scratch}/pid; error_log {self.scratch}/errors crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; tcp_nodelay on; keepalive_requests 1000000000; keepalive_timeout 600s; {temporary}
  client_max_body_size 64m; client_body_buffer_size 512k;
  upstream behind {{ server {self.direct}; keepalive 256; keepalive_requests 1000000000; }}
  server {{
    listen {self.through_nginx} backlog=1024;
    location / {{
      proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
    }}
  }}
}}
""",
        )
        self.nginx = self.start(MEASURED, "nginx", "-p", self.scratch, "-c", config, "-e", "errors")
        time.sleep(1)

    def write(self, name, text):
        (self.scratch / name).write_text(text)
        return self.scratch / name

    def start(self, processor, *command):
        command = [*URGENT, "taskset", "-c", processor, *map(str, command)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    @staticmethod
    def told(process):
        return re.search(r"127\.0\.0\.1:\d+", process.stdout.readline()).group(0)

    def end(self):
        for process in (self.nginx, self.gateway, self.upstream):
            process.terminate()
            process.wait()


def threads(process):
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [task for pid in [process.pid, *children] for task in Path(f"/proc/{pid}/task").iterdir()]


def processor_time(process):
    return sum(int((task / "schedstat").read_text().split()[0]) for task in threads(process))


def memory(process):
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text()).group(1))


def said(values, digits=1):
    low, high = min(values), max(values)
    return f"{statistics.median(values):.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def time_per_request(folder, name, rounds):
    pace, body, more = SCENARIOS[name]
    scene = Scene(folder, pace)
    path = scene.write("body", body)
    headers = {"content-type": "application/json", "anthropic-version": "2023-06-01", "x-api-key": "none"}
    lines = "".join(f'wrk.headers["{key}"] = "{value}"\n' for key, value in headers.items())
    script = scene.write("load.lua", f'wrk.method = "POST"\n{lines}{more}wrk.body = io.open("{path}"):read("*a")\n')
    sides = [("nginx", scene.nginx, scene.through_nginx), ("pointsman", scene.gateway, scene.through_gateway)]
    times = {"nginx": [], "pointsman": []}
    for turn in range(rounds + 1):
        for side, process, address in sides if turn % 2 else reversed(sides):
            before = processor_time(process)
            load = [*URGENT, "taskset", "-c", LOAD, "wrk", "-t1", "-c64", "-d1", "-s", script, f"http://{address}/v1/messages"]
            told = subprocess.run(list(map(str, load)), capture_output=True, text=True, check=True).stdout
            assert "Non-2xx" not in told, told
            count = int(re.search(r"(\d+) requests in", told).group(1))
            if turn:
                times[side].append((processor_time(process) - before) / count / 1_000)
    scene.end()
    ratios = [own / other for own, other in zip(times["pointsman"], times["nginx"])]
    print(f"| {name} | {said(times['nginx'])} | {said(times['pointsman'])} | {said(ratios, 2)} |", flush=True)


def latency(folder, rounds):
    scene = Scene(folder, SHORT)
    body = scene.write("body", conversation(1_024, False))
    program = scene.scratch / "open_loop"
    subprocess.run(["cc", "-O2", "-o", program, Path(__file__).with_name("open_loop.c")], check=True)
    sides = {"direct": scene.direct, "nginx": scene.through_nginx, "pointsman": scene.through_gateway}
    seen = {side: [] for side in sides}
    for _ in range(rounds):
        for side, address in sides.items():
            run = [*URGENT, "taskset", "-c", LOAD, program, address.split(":")[1], "3000", "1", body]
            told = subprocess.run(list(map(str, run)), capture_output=True, text=True, check=True).stdout
            seen[side].append([int(value) for value in told.split()])
    scene.end()
    for side, runs in seen.items():
        added = [[run[at] - base[at] for run, base in zip(runs, seen["direct"])] for at in (0, 1)]
        p50, p99 = ([run[at] for run in runs] for at in (0, 1))
        print(f"| {side} | {said(p50, 0)} | {said(added[0], 0)} | {said(p99, 0)} | {said(added[1], 0)} |", flush=True)


async def streams(folder, count=1_000):
    scene = Scene(folder, {"chunks": 30, "gap": "400ms"}, ", max_in_flight: 200")
    body = conversation(1_024, True).encode()
    request = b"POST /v1/messages HTTP/1.1\r\nhost: x\r\nanthropic-version: x\r\ncontent-length: %d\r\n\r\n" % len(body)
    before, host = memory(scene.gateway), scene.through_gateway.split(":")

    async def one():
        reader, writer = await asyncio.open_connection(host[0], int(host[1]))
        writer.write(request + body)
        await reader.readuntil(b"content_block_delta")
        return writer

    writers = await asyncio.gather(*(one() for _ in range(count)))
    under_way = memory(scene.gateway)
    print(f"idle {before} KiB; {count} streams under way {under_way} KiB, {(under_way - before) / count:.1f} KiB each")
    for writer in writers:
        writer.close()
    scene.end()


def main():
    folder, rounds = Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 5
    wanted = sys.argv[3:] or [*SCENARIOS, "latency", "streams"]
    for name in wanted:
        if name == "latency":
            latency(folder, rounds)
        elif name == "streams":
            asyncio.run(streams(folder))
        else:
            time_per_request(folder, name, rounds)


main()
