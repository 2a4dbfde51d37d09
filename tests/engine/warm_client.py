"""Runs a program in a Python that has begun, see `warm`.

It is started as often as the engine starts a Python, so it imports next to nothing.
"""

import json
import os
import socket
import subprocess
import sys


def main(python: str, folder: str, servers: str, *arguments: str) -> int:
    """Do what an interpreter does with these arguments; return the exit code."""
    said = arguments[1:] if arguments[:1] == ("-u",) else arguments
    if said[:3] == ("-m", "pip", "list"):
        return _listed(python, folder, *said)
    if not said or (said[0].startswith("-") and said[0] not in {"-c", "-m"}):
        os.execv(python, [python, *arguments])  # noqa: S606 - the interpreter itself
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(f"{folder}/{os.getpid() % int(servers)}")
        socket.send_fds(server, [b"."], [0, 1, 2])
        asked = {"arguments": said, "folder": os.getcwd(), "environment": dict(os.environ)}  # noqa: PTH109
        server.sendall(json.dumps(asked).encode() + b"\n")
        code = server.recv(1)
    return code[0] if code else 1


def _listed(python: str, folder: str, *arguments: str) -> int:
    """Tell what is installed, which pip is asked once: it does not change while tests run."""
    file = f"{folder}/{' '.join(arguments)}"
    if not os.path.exists(file):  # noqa: PTH110 - without pathlib
        listed = subprocess.run([python, *arguments], stdout=subprocess.PIPE, check=True).stdout  # noqa: S603
        with open(f"{file}.{os.getpid()}", "wb") as new:  # noqa: PTH123
            new.write(listed)
        os.rename(new.name, file)  # noqa: PTH104
    with open(file, "rb") as known:  # noqa: PTH123
        os.write(1, known.read())
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
