#!/usr/bin/env python3
"""Counts the instructions that the gateway executes for a request, and tells which functions they are in.

A count of callgrind does not depend on what else the machine does, so a change of one percent can be seen.
It knows nothing of the kernel, and of waits for memory only what a model of the caches tells (`--caches`). Needs
valgrind, wrk and taskset, and symbols:

    export CARGO_PROFILE_RELEASE_STRIP=none CARGO_PROFILE_RELEASE_DEBUG=line-tables-only
    cargo build --release && python3 tests/bench/instructions.py target/release json [--top 40] [--callers REGEX]
    python3 tests/bench/instructions.py target/release json --caches
"""

import argparse
import re
import subprocess
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from scene import SCENARIOS, Scene, load

WARM_UP, SECONDS = 3, 6
CONNECTIONS = 16
CACHES = ["--cache-sim=yes", "--I1=32768,8,64", "--D1=32768,8,64", "--LL=1048576,16,64"]


def measure(folder, name, event):
    """Returns the profile of one scenario, and how many requests it is of."""
    out = Path(tempfile.mkdtemp()) / "callgrind"
    valgrind = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}"]
    valgrind += CACHES if event != "Ir" else []
    scene = Scene(folder, SCENARIOS[name][0], under=valgrind)
    try:
        script = scene.load_script(name)
        load(scene.through_gateway, script, WARM_UP, CONNECTIONS)
        control(scene.gateway, "on")
        count = load(scene.through_gateway, script, SECONDS, CONNECTIONS)
        control(scene.gateway, "off")
    finally:
        scene.end()
    return Profile(out.read_text(), event), count


def control(process, state):
    subprocess.run(["callgrind_control", "-i", state, str(process.pid)], check=True, capture_output=True)


class Profile:
    """What callgrind wrote of one kind of event, by function: own cost, cost with callees, and who calls whom
    at what cost."""

    def __init__(self, text, event):
        column = 1 + re.search(r"^events: (.*)$", text, re.M)[1].split().index(event)
        self.own, self.whole = Counter(), Counter()
        self.callers = defaultdict(Counter)
        self.calls = Counter()
        names, function, callee = {}, None, None
        for line in text.splitlines():
            if (said := re.match(r"(c?)fn=\((\d+)\)(?: (.*))?$", line)) is not None:
                name = names.setdefault(said[2], said[3])
                function, callee = (function, name) if said[1] else (name, None)
            elif line.startswith("calls="):
                self.calls[callee] += int(line[6:].split()[0])
            elif re.match(r"[-+*\d]", line) and function is not None:
                # What is 0 at the end of a line is left out.
                costs = dict(enumerate(line.split()))
                self.take(function, callee, int(costs.get(column, 0)))
                callee = None

    def take(self, function, callee, cost):
        if callee is None:
            self.own[function] += cost
            self.whole[function] += cost
        elif callee != function:
            self.whole[function] += cost
            self.callers[callee][function] += cost


def tell(profile, count, what, top, callers):
    print(f"{count} requests, {sum(profile.own.values()) / count:,.0f} {what} each")
    for title, costs in (("own", profile.own), ("with callees", profile.whole)):
        print(f"\n{title:>12}   calls  function")
        for name, cost in costs.most_common(top):
            print(f"{cost / count:12,.0f} {profile.calls[name] / count:7.1f}  {name[:150]}")
    for name in filter(lambda name: callers and re.search(callers, name), profile.whole):
        print(f"\n{profile.whole[name] / count:12,.0f} {profile.calls[name] / count:7.1f}  {name[:200]}, called by")
        for caller, cost in profile.callers[name].most_common(8):
            print(f"{cost / count:20,.0f}  {caller[:150]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("--top", type=int, default=40)
    parser.add_argument("--callers", help="functions of which the callers are wanted")
    parser.add_argument("--caches", action="store_true", help="count what misses the cache of instructions")
    wanted = parser.parse_args()
    event, what = ("I1mr", "misses of the cache of instructions") if wanted.caches else ("Ir", "instructions")
    profile, count = measure(wanted.folder.resolve(), wanted.scenario, event)
    tell(profile, count, what, wanted.top, wanted.callers)


main()
