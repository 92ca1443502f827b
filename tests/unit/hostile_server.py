"""A server's shell as a program of its own that answers, over real pipes, whatever it was told to answer.

Run as ``python -I hostile_server.py FILE``, where the file holds a :class:`Script` as JSON; bytes stand in it as the
characters of Latin-1.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
import time
from pathlib import Path

END = re.compile(r"printf '\\n%s %s\\n' (\w+) \$\?; ")


def main() -> None:
    with Path(sys.argv[1]).open(encoding="ascii") as file:
        script = json.load(file)
    out, err = sys.stdout.buffer, sys.stderr.buffer
    asked, lines = 0, ""
    for line in sys.stdin:
        found = END.match(line)
        if found is None:
            lines += line
            continue
        words = shlex.split(lines)
        command = words[2] if words[:2] == ["(", "eval"] else ""
        lines = ""
        code, said, cried = 0, "", ""
        if command:  # and not the first words of the connection
            asked += 1
            code, said, cried = script["answers"].get(command, script["otherwise"])
            if asked > script["honest"] and command not in script["promptly"]:
                time.sleep(script["pause"])
                if script["then"] == "close":
                    return
                while script["then"] == "flood":
                    out.write(b"flood " * 10_000)
        status = str(code) if not command or script["status"] is None else script["status"]
        out.write(said.encode("latin-1") + f"\n{found[1]} ".encode() + status.encode("latin-1") + b"\n")
        err.write(cried.encode("latin-1") + f"\n{found[1]}\n".encode())
        out.flush()
        err.flush()


if __name__ == "__main__":
    main()
