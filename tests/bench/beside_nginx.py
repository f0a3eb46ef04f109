#!/usr/bin/env python3
"""Measures the gateway beside nginx on a machine that does other things as well.

The same as `cargo bench -p pointsman-bench --bench gateway`, with wrk for the load and, as root, under real-time
priority, so that neighbours take neither processor nor cache away. Needs nginx, wrk, taskset, chrt and cc.

    cargo build --release && python3 tests/bench/beside_nginx.py target/release [ROUNDS [SCENARIO...]]

With `--before FOLDER` the build in that folder takes its turns, too, and with `--bare` a proxy that decides nothing
(`cargo build --release -p pointsman-bench --example bare_proxy`).
"""

import argparse
import asyncio
import re
import socket
import statistics
import subprocess
import time
from pathlib import Path

from scene import LOAD, MEASURED, SCENARIOS, SHORT, URGENT, Scene, conversation, load


class Pair(Scene):
    """A scene with nginx before the same upstream."""

    def __init__(self, folder, pace, limit=""):
        super().__init__(folder, pace, limit)
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


def time_per_request(folders, bare, name, rounds):
    """Prints nginx, then each build and the bare proxy, then the ratios of these to nginx."""
    pace = SCENARIOS[name][0]
    pair, others = Pair(folders[0], pace), [Scene(folder, pace) for folder in folders[1:]]
    script = pair.load_script(name)
    sides = [(pair.nginx, pair.through_nginx)]
    sides += [(scene.gateway, scene.through_gateway) for scene in (pair, *others)]
    if bare:
        proxy = pair.start(MEASURED, folders[0] / "examples/bare_proxy", pair.direct)
        sides.append((proxy, pair.told(proxy)))
    times = [[] for _ in sides]
    for turn in range(rounds + 1):
        for side in range(len(sides)) if turn % 2 else reversed(range(len(sides))):
            process, address = sides[side]
            begun = processor_time(process)
            count = load(address, script, 1, 64)
            if turn:
                times[side].append((processor_time(process) - begun) / count / 1_000)
    for scene in (pair, *others):
        scene.end()
    ratios = [[own / other for own, other in zip(build, times[0])] for build in times[1:]]
    cells = [said(side) for side in times] + [said(build, 2) for build in ratios]
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def latency(folder, rounds):
    scene = Pair(folder, SHORT)
    body = scene.write("body", conversation(1_024, False))
    program = scene.scratch / "open_loop"
    subprocess.run(["cc", "-O2", "-o", program, Path(__file__).with_name("open_loop.c")], check=True)
    sides = {"direct": scene.direct, "nginx": scene.through_nginx, "pointsman": scene.through_gateway}
    seen = {side: [] for side in sides}
    for _ in range(rounds):
        for side, address in sides.items():
            run = [*URGENT, "taskset", "-c", LOAD, program, address.split(":")[1], "3000", "1", body]
            told = subprocess.run(list(map(str, run)), stdout=subprocess.PIPE, text=True, check=True).stdout
            seen[side].append([int(value) for value in told.split()])
    scene.end()
    for side, runs in seen.items():
        added = [[run[at] - base[at] for run, base in zip(runs, seen["direct"])] for at in (0, 1)]
        p50, p99 = ([run[at] for run in runs] for at in (0, 1))
        print(f"| {side} | {said(p50, 0)} | {said(added[0], 0)} | {said(p99, 0)} | {said(added[1], 0)} |", flush=True)


async def streams(folder, count=1_000):
    scene = Pair(folder, {"chunks": 30, "gap": "400ms"}, ", max_in_flight: 200")
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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the build is")
    parser.add_argument("rounds", type=int, nargs="?", default=5)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", default=[*SCENARIOS, "latency", "streams"])
    parser.add_argument("--before", type=Path, help="where another build is")
    parser.add_argument("--bare", action="store_true", help="with a proxy that decides nothing")
    wanted = parser.parse_args()
    folders = [folder.resolve() for folder in (wanted.folder, wanted.before) if folder]
    for name in wanted.scenarios:
        if name == "latency":
            latency(folders[0], wanted.rounds)
        elif name == "streams":
            asyncio.run(streams(folders[0]))
        else:
            time_per_request(folders, wanted.bare, name, wanted.rounds)


main()
