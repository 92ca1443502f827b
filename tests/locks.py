"""The two lock files: ``python -m tests.locks`` renews them with uv, which has to be on the path.

What a user runs is in ``requirements.lock``; ``requirements-test.lock`` holds what proves the project beside that, and
nothing twice. Neither holds an address.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
RUN, TEST = REPOSITORY / "requirements.lock", REPOSITORY / "requirements-test.lock"
UV = [
    *("uv", "pip", "compile", "pyproject.toml", "--universal", "--python-version", "3.11", "--generate-hashes"),
    *("--no-emit-index-url", "--no-emit-find-links", "--no-annotate", "--no-header", "--no-strip-extras"),
]


def entries(text: str) -> dict[str, str]:
    """The entries of a lock file: what is pinned, with its marker, and the lines with its hashes."""
    found = re.findall(r"^(\S+==[^\\\n]+?) \\\n((?:    --hash=\S+(?: \\)?\n)+)", text, re.MULTILINE)
    return dict(found)


def main() -> None:
    """Renew both, the second within the versions of the first."""
    subprocess.run([*UV, "-o", str(RUN)], cwd=REPOSITORY, check=True)
    with tempfile.NamedTemporaryFile(suffix=".txt") as both:
        command = [*UV, "--group", "test", "-c", str(RUN), "-o", both.name]
        subprocess.run(command, cwd=REPOSITORY, check=True)
        run, all_ = entries(RUN.read_text(encoding="utf-8")), entries(Path(both.name).read_text(encoding="utf-8"))
    TEST.write_text("".join(f"{pin} \\\n{all_[pin]}" for pin in all_ if pin not in run), encoding="utf-8")


if __name__ == "__main__":
    main()
