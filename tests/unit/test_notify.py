"""Alerts: a webhook's address is its password, and stands in no journal, record or report."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from compliance.checks.test_operations import WEB_ADDRESS

SCRIPT = Path(__file__).resolve().parents[2] / "roles" / "alerts" / "files" / "patuh-notify"
TOKEN = "T0KEN"


class Refusing(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        if "garbage" in self.path:
            self.wfile.write(b"no http at all\r\n\r\n")
            return
        self.send_response(302 if "elsewhere" in self.path else 403)
        self.send_header("Location", f"ftp://x{self.path}")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:{port}/{token}",
        "http://127.0.0.1:{port}/elsewhere/{token}",
        "http://127.0.0.1:{port}/garbage/{token}",
        "http://127.0.0.1:1/{token}?key={token}",
        "http://127.0.0.1:{port}/{token} \u0001",
        "http://{token}@127.0.0.1:1/",
        "httpx://127.0.0.1/{token}",
        "http://127.0.0.1:{token}/",
    ],
)
def test_only_the_host_of_a_webhook_is_told(tmp_path: Path, address: str) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    records, config = tmp_path / "records" / "alerts.jsonl", tmp_path / "notify.json"
    config.write_text(json.dumps([{"webhook": address.format(port=server.server_port, token=TOKEN)}]))
    script = SCRIPT.read_text().replace("/etc/patuh/notify.json", str(config))
    script = script.replace("/var/lib/patuh/records/alerts.jsonl", str(records)).replace("(5, 20, 0)", "(0,)")
    done = subprocess.run([sys.executable, "-c", script, "--test"], capture_output=True, text=True, check=False)
    server.shutdown()
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    failed = json.loads(records.read_text())["failed"]
    assert failed[0].startswith("127.0.0.1: ")
    assert TOKEN not in done.stdout + done.stderr + records.read_text()


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("http://10.31.30.10:8026/: <urlopen error>", "10.31.30.10: <urlopen error>"),
        ("https://chat.example/hooks/T0KEN?a=T0KEN: HTTP Error 403", "chat.example: HTTP Error 403"),
        ("https://u:T0KEN@chat.example: no", "chat.example: no"),
        ("http://[fd31::1]:80/T0KEN: no", "[fd31::1]: no"),
        ("admin@lab.example: refused", "admin@lab.example: refused"),
        ("unknown url https://chat.example/T0KEN", "unknown url chat.example"),
    ],
)
def test_records_of_before_are_shown_without_it(told: str, shown: str) -> None:
    assert WEB_ADDRESS.sub(r"\1", told) == shown
