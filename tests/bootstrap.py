"""The first command on a fresh machine: ``python -m tests.bootstrap``, as root.

On a root of Debian 12 and one of Debian 13 that have nothing but the base system, with the distribution's own Python
and pip: ``--version`` and ``check --local`` from a checkout; again with an index that offers newer releases of all
that is locked, which must change nothing; and from a bundle, in a network namespace without a route.
"""

from __future__ import annotations

import concurrent.futures
import http.server
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from pathlib import Path

from commands.bundle import requirements
from commands.common import REPOSITORY, Steps
from commands.environment import LINK, RUN_LOCK, SUMS, WHEELS
from lab.topology import CACHE, run_as_root
from tests import locks

SUITES = ("bookworm", "trixie")
SECONDS_MAX = 600
NEWER = "9999"
# How this computer reaches its package index, if in a way of its own.
PIP_FILES = ("etc/pip.conf", "etc/xdg/pip/*", "root/.config/pip/*", "etc/ssl/certs/ca-certificates.crt")


def fake_release(name: str) -> bytes:
    """A wheel of a release that came out after the lock: it would break whatever imports it."""
    held = io.BytesIO()
    info = f"{name.replace('-', '_')}-{NEWER}.dist-info"
    with zipfile.ZipFile(held, "w") as wheel:
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {NEWER}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return held.getvalue()


def normalized(name: str) -> str:
    """A project's name as an index spells it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


class Index(http.server.ThreadingHTTPServer):
    """A package index on loopback: the locked wheels, and a newer release of each."""

    def __init__(self, wheels: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.files: dict[str, dict[str, bytes]] = {}
        self.asked: set[str] = set()
        for wheel in wheels.iterdir():
            self.files.setdefault(normalized(wheel.name.split("-")[0]), {})[wheel.name] = wheel.read_bytes()
        for name, files in self.files.items():
            files[f"{name.replace('-', '_')}-{NEWER}-py3-none-any.whl"] = fake_release(name)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Answer(http.server.BaseHTTPRequestHandler):
    """Pages of an index (PEP 503), and its files."""

    server: Index

    def do_GET(self) -> None:
        """Answer one request."""
        parts = self.path.strip("/").split("/")
        files = self.server.files.get(parts[1] if len(parts) > 1 else "", {})
        if parts[0] == "simple":
            body = "".join(f'<a href="/file/{parts[1]}/{file}">{file}</a>\n' for file in files).encode()
        else:
            body = files.get(parts[-1], b"")
            self.server.asked.add(parts[-1])
        self.send_response(200 if files else 404)
        self.send_header("Content-Type", "text/html" if parts[0] == "simple" else "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def unpacked(bundle: Path, folder: Path) -> Path:
    """Unpack a bundle into a new folder; gives the one folder that it holds."""
    folder.mkdir(parents=True)
    subprocess.run(["tar", "-xzf", str(bundle), "-C", str(folder)], check=True)
    (inner,) = folder.iterdir()
    return inner


class Root:
    """A fresh Debian, entered by chroot with mounts of its own."""

    def __init__(self, suite: str, folder: Path) -> None:
        self.suite = suite
        self.path = folder / suite
        archive = CACHE / "bootstrap" / f"{suite}.tar"
        if not archive.exists():
            archive.parent.mkdir(parents=True, exist_ok=True)
            scratch = archive.with_suffix(".new.tar")
            variant = ["--variant=minbase", "--include=ca-certificates"]
            run_as_root(["mmdebstrap", "--quiet", *variant, suite, str(scratch)])
            scratch.replace(archive)
        self.path.mkdir()
        run_as_root(["tar", "-xf", str(archive), "-C", str(self.path), "--numeric-owner"])
        for pattern in (*PIP_FILES, "etc/resolv.conf", "etc/hosts"):
            for file in Path("/").glob(pattern):
                target = self.path / file.relative_to("/")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.unlink(missing_ok=True)
                shutil.copy(file, target)

    def run(self, command: str, *, network: bool = True, variables: dict[str, str] | None = None) -> str:
        """Run a shell command in it as its root.

        :raises AssertionError: when it fails.
        """
        script = 'mount -t proc proc "$0/proc"; mount --rbind /dev "$0/dev"; exec chroot "$0" /bin/sh -c "$1"'
        plain = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"}
        passed = {key: value for key, value in os.environ.items() if key.startswith("PIP_") or "proxy" in key.lower()}
        done = subprocess.run(
            ["unshare", "--mount", *([] if network else ["--net"]), "sh", "-euc", script, str(self.path), command],
            env={**plain, **passed, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
        if done.returncode != 0:
            raise AssertionError(f"{self.suite}: {command}: exit {done.returncode}\n{done.stdout[-3000:]}")
        return done.stdout

    def unpack(self, bundle: Path, folder: str) -> Path:
        """Unpack a bundle in it; gives the folder outside."""
        target = self.path / folder.lstrip("/")
        return unpacked(bundle, target)


# Whether anything complies does not matter here: that a report was written does.
CHECK = (
    "cd /tmp && {patuh} --version && {{ {patuh} check --local -o /tmp/{out} || test $? = 1; }} "
    "&& test -s /tmp/{out}/report.html"
)


def try_suite(suite: str, folder: Path, bundle: Path, index: Index, steps: Steps) -> None:
    """All three ways on one release."""
    root = Root(suite, folder)
    checkout = root.unpack(bundle, "/srv/a checkout")
    shutil.rmtree(checkout / WHEELS)
    (checkout / SUMS).unlink()
    patuh = f"'/srv/a checkout/{checkout.name}/patuh'"
    steps(f"{suite}: from nothing")
    root.run(CHECK.format(patuh=patuh, out="first"))
    steps(f"{suite}: with an index that has newer releases of everything")
    for path in checkout.glob(f"{LINK}*"):
        path.unlink() if path.is_symlink() or path.is_file() else shutil.rmtree(path)
    url = f"http://127.0.0.1:{index.server_port}/simple"
    alone = {"PIP_CONFIG_FILE": "/dev/null", "PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": "", "PIP_NO_CACHE_DIR": "1"}
    root.run(f"{patuh} --version", variables={"PIP_INDEX_URL": url, **alone})
    python = f"'/srv/a checkout/{checkout.name}/{LINK}/bin/python'"
    installed = dict(re.findall(r"^(\S+)==(\S+)$", root.run(f"{python} -m pip list --format freeze"), re.MULTILINE))
    pins = {pin.split(" ")[0] for pin in locks.entries((REPOSITORY / RUN_LOCK).read_text(encoding="utf-8"))}
    found = {f"{normalized(name)}=={version}" for name, version in installed.items()}
    strange = {one for one in found - pins if one.partition("==")[0] not in ("pip", "setuptools")}
    assert not strange, f"{suite}: not what was locked: {strange}"
    python_version = root.run(f"{python} -c 'import sys; print(*sys.version_info[:2], sep=chr(46))'").strip()
    lock = (REPOSITORY / RUN_LOCK).read_text(encoding="utf-8")
    wanted = set(re.findall(r"^(\S+==\S+)", requirements(lock, python_version), re.MULTILINE))
    assert found & pins == wanted, f"{suite}: missing {wanted - found}, too many {(found & pins) - wanted}"
    steps(f"{suite}: from a bundle, without a network")
    carried = root.unpack(bundle, "/srv/carried")
    root.run(CHECK.format(patuh=f"/srv/carried/{carried.name}/patuh", out="offline"), network=False)


def main() -> None:
    """Try both releases side by side."""
    steps = Steps()
    with tempfile.TemporaryDirectory(prefix="patuh-bootstrap-") as scratch:
        bundle = Path(scratch) / "bundle.tar.gz"
        subprocess.run([sys.executable, "-m", "commands", "bundle", "-o", str(bundle)], cwd=REPOSITORY, check=True)
        index = Index(unpacked(bundle, Path(scratch) / "unpacked") / WHEELS)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for done in [pool.submit(try_suite, suite, Path(scratch), bundle, index, steps) for suite in SUITES]:
                done.result()
        assert not any(NEWER in name for name in index.asked), "a newer release was taken"
    steps(f"{len(SUITES)} releases: 3 ways passed, 0 failed")


if __name__ == "__main__":
    main()
