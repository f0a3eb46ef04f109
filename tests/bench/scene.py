"""What the measurements with wrk share: requests, an upstream, and the gateway before it."""

import json
import os
import re
import subprocess
import tempfile
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
# Pace of the answer, body, and what else the load's script says.
SCENARIOS = {
    "json": (SHORT, conversation(1_024, False), ""),
    "long": (SHORT, conversation(LONG, False), SESSION),
    "long-unnamed": (SHORT, conversation(LONG, False), ""),
    "long-one": (SHORT, one_message(LONG), ""),
    "burst": ({"chunks": 52}, conversation(1_024, True), ""),
    "paced": ({"chunks": 52, "gap": "5ms"}, conversation(1_024, True), ""),
}


class Scene:
    """An upstream, and the gateway before it with 16 accounts."""

    def __init__(self, folder, pace, limit="", under=()):
        self.scratch, self.started = Path(tempfile.mkdtemp()), []
        script = {"accounts": [{"label": "anonymous"}], "stranger": "anonymous", "recording": "off", "pace": pace}
        self.write("script.json", json.dumps({**script, "models": ["claude-sonnet-4-6"]}))
        self.upstream = self.start(LOAD, folder / "pointsman-upstream", "--script", self.scratch / "script.json")
        self.direct = self.told(self.upstream)
        accounts = "".join(f'  - {{id: "anthropic:a{n}", api_key: "key-{n}"{limit}}}\n' for n in range(16))
        provider = f'providers:\n  anthropic: {{base_url: "http://{self.direct}"}}\n'
        config = self.write("pointsman.yaml", f"store_path: state.db\n{provider}accounts:\n{accounts}")
        serve = ["serve", "--listen", "127.0.0.1:0", "--config", config]
        library = folder / "libpointsman_plugin.so"
        self.gateway = self.start(MEASURED, *under, folder / "pointsman", "--plugin", library, *serve)
        self.through_gateway = self.told(self.gateway)

    def write(self, name, text):
        (self.scratch / name).write_text(text)
        return self.scratch / name

    def start(self, processor, *command):
        command = [*URGENT, "taskset", "-c", processor, *map(str, command)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.started.append(process)
        return process

    @staticmethod
    def told(process):
        return re.search(r"127\.0\.0\.1:\d+", process.stdout.readline()).group(0)

    def load_script(self, name):
        """Writes what wrk is to send, and returns the file."""
        _, body, more = SCENARIOS[name]
        path = self.write("body", body)
        headers = {"content-type": "application/json", "anthropic-version": "2023-06-01", "x-api-key": "none"}
        lines = "".join(f'wrk.headers["{key}"] = "{value}"\n' for key, value in headers.items())
        return self.write("load.lua", f'wrk.method = "POST"\n{lines}{more}wrk.body = io.open("{path}"):read("*a")\n')

    def end(self):
        for process in reversed(self.started):
            process.terminate()
            process.wait()


def load(address, script, seconds, connections):
    """Lets wrk send messages, and returns how many were answered."""
    wrk = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "-s", script, f"http://{address}/v1/messages"]
    command = list(map(str, [*URGENT, "taskset", "-c", LOAD, *wrk]))
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in told, told
    return int(re.search(r"(\d+) requests in", told).group(1))
