"""What runs on the lab's administrator workstation: a time server, a mail sink and a webhook sink.

They let the machines synchronise their clocks and send their alerts to something real. Run inside the
workstation's namespace as ``python -m lab.workstation FOLDER``; what arrives is kept in FOLDER.
"""

from __future__ import annotations

import http.server
import socket
import socketserver
import struct
import sys
import threading
import time
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

CLOCK_FILE = "clock-ahead"  # by how many seconds the time server is ahead of this computer; 0 without that file
NTP_EPOCH_OFFSET = 2_208_988_800  # seconds from 1900 to 1970, RFC 5905
MAIL_PORT = 25
WEBHOOK_PORT = 8025
MAX_BODY_BYTES = 1_000_000


class TimeServer(socketserver.BaseRequestHandler):
    """An answer to an NTP client request (RFC 5905, mode 4), from this computer's clock or so much ahead of it."""

    clock_file = Path()

    def handle(self) -> None:
        """Answer one datagram."""
        request, connection = self.request
        if len(request) < 48:
            return

        def stamp(seconds: float) -> bytes:
            return struct.pack(">II", int(seconds) + NTP_EPOCH_OFFSET, int(seconds % 1 * 2**32))

        ahead = float(self.clock_file.read_text(encoding="utf-8")) if self.clock_file.exists() else 0.0
        now = time.time() + ahead
        header = struct.pack(">BBbbII4s", 0b00_100_100, 2, 6, -20, 0, 64, b"LOCL")
        answer = header + stamp(now) + request[40:48] + stamp(now) + stamp(time.time() + ahead)
        connection.sendto(answer, self.client_address)


class MailSink:
    """Keeps every mail in ``mail.log``."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "mail.log"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 (aiosmtpd's name)
        """Accept a mail."""
        with self.log.open("ab") as log:
            log.write(envelope.content + b"\n" + b"-" * 20 + b"\n")
        return "250 kept"


def webhook_handler(folder: Path) -> type[http.server.BaseHTTPRequestHandler]:
    """A handler that keeps the body of every POST as a line of ``webhook.log``."""

    class Webhook(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = min(int(self.headers.get("Content-Length", 0)), MAX_BODY_BYTES)
            body = self.rfile.read(length)
            with (folder / "webhook.log").open("ab") as log:
                log.write(body.replace(b"\n", b" ") + b"\n")
            self.send_response(204)
            self.end_headers()

    return Webhook


class _DualStack(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6


def main() -> None:
    """Serve until killed."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    TimeServer.clock_file = folder / CLOCK_FILE
    clock = socketserver.ThreadingUDPServer(("0.0.0.0", 123), TimeServer)  # noqa: S104 (the lab's own namespace)
    threading.Thread(target=clock.serve_forever, daemon=True).start()
    for address in ("0.0.0.0", "::"):  # noqa: S104 (the lab's own namespace)
        Controller(MailSink(folder), hostname=address, port=MAIL_PORT).start()
    _DualStack(("::", WEBHOOK_PORT), webhook_handler(folder)).serve_forever()


if __name__ == "__main__":
    main()
