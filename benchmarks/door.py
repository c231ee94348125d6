"""What a post costs that comes in at the door, beside one that `earful import` takes: processor time, in one process.

The same posts go both ways, each into a database of its own. Who sends is another process, whose time does not count.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx2

from benchmarks import made
from monitor.ingest.file_import import Columns, Reading
from monitor.service.scheduler import utc_now
from monitor.settings.loading import load
from monitor.store import arrived
from monitor.web.server import WebServer
from monitor.wiring import Assembly, assemble, know_sources, open_store, settle

POSTS = 10_000
AT_ONCE = 500
SECRET = "a-secret-of-the-benchmark"
SETTINGS = """
[earful]
page_listen = "127.0.0.1:0"
[database]
url = "sqlite:{name}.sqlite"
[[brands]]
name = "Harbour Tea"
query = '"Harbour Tea"'
[[sources]]
name = "door"
kind = "inbound"
secret = {{ env = "DOOR_SECRET" }}
fields = {{ posted_at = "at" }}
[[channels]]
name = "console"
kind = "console"
"""


def main() -> None:
    """Print the figures as one JSON object."""
    with tempfile.TemporaryDirectory(prefix="earful-bench-") as name:
        folder = Path(name)
        file, now = folder / "posts.jsonl", utc_now()
        made.write(file, POSTS, now, unhappy=0.15)
        columns = Columns(id="id", text="text", author="author", posted_at="at")
        imports, comes = _installation(folder, "import"), _installation(folder, "door")
        settle()
        taken = _cpu(lambda: imports.intake.take(Reading(file, "import", columns, now).posts(), now))
        server = WebServer(lambda: comes, utc_now)
        if not server.start():
            sys.exit("the page could not listen")
        brought = _cpu(lambda: _bring(comes, server.address, file))
        server.stop()
        stored = [_stored(each) for each in (imports, comes)]
    if stored != [POSTS, POSTS]:
        sys.exit(f"not every made post was stored: {stored}")
    print(
        json.dumps(
            {
                "door_to_import_cpu": round(brought / taken, 2),
                "door_cpu_ms_per_post": round(1000 * brought / POSTS, 3),
                "import_cpu_ms_per_post": round(1000 * taken / POSTS, 3),
            }
        )
    )


def _installation(folder: Path, name: str) -> Assembly:
    file = folder / f"{name}.toml"
    file.write_text(SETTINGS.format(name=name), "utf-8")
    settings = load(file, {"DOOR_SECRET": SECRET})
    database = open_store(settings, utc_now())
    know_sources(database, settings)
    assembly = assemble(settings, database)
    assembly.judge.warm()
    return assembly


def _cpu(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def _bring(assembly: Assembly, address: str, file: Path) -> None:
    """Have it all sent, and read what came until nothing waits."""
    sender = [sys.executable, "-m", "benchmarks.door", address, str(file)]
    subprocess.run(sender, check=True, timeout=120)
    while arrived.backlog(assembly.database, "door")[0]:
        assembly.collector.visit("door", "posts", utc_now)


def _stored(assembly: Assembly) -> int:
    row = assembly.database.row("SELECT count(*) AS n FROM posts")
    assembly.database.close()
    return int(row["n"]) if row else 0


def send(address: str, file: Path) -> None:
    """Be who sends: each request signed, 500 posts at a time."""
    lines = file.read_bytes().splitlines()
    with httpx2.Client(base_url=address, timeout=60, trust_env=False) as http:
        for start in range(0, len(lines), AT_ONCE):
            body = b"[" + b",".join(lines[start : start + AT_ONCE]) + b"]"
            stamp = str(int(time.time()))
            proof = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
            headers = {"Content-Type": "application/json", "Earful-Signature": f"t={stamp},v1={proof}"}
            answer = http.post("/in/door", content=body, headers=headers)
            if answer.status_code != 202:
                sys.exit(f"the door answered {answer.status_code}: {answer.text}")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        send(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
