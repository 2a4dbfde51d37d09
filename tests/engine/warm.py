"""A Python that has begun: programs and providers that the engine starts need not import all anew.

Each command of the engine starts several Pythons, and most of what these do is to import the same
packages. Here a server has imported them, and forks for each program: a process of its own, with
the arguments, environment, folder and standard streams of whoever started it. The `python3` that
`warm_pythons` makes starts `warm_client.py`, which asks for that, and ends with it.

There are two servers, whose sets have different orders: what depends on the order differs from one
run to the next, as without them. That modules are imported already is all that a program can tell.
`test_deploying.py` interrupts a program, and `adapters/pulumi/test_build.py` sees what one imports,
that begin as always.

Run as a program it serves until its standard input ends, see `processes`.
"""

from __future__ import annotations

import atexit
import gc
import json
import multiprocessing
import os
import runpy
import shlex
import socket
import sys
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from io import FileIO, TextIOWrapper
from multiprocessing.connection import wait
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import processes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from multiprocessing.process import BaseProcess

CLIENT = Path(__file__).with_name("warm_client.py")
SERVERS = 2
IMPORTED = (
    "boto3",
    "dativo_infra.adapters.pulumi.deploy",
    "dativo_infra.cli.deploy",
    "dativo_infra.cli.destroy",
    "dativo_infra.cli.output",
    "dativo_infra.cli.preview",
    "dativo_infra.cli.pulumi",
    "dativo_infra.cli.progress",
    "jmespath",
    "pulumi.provider.experimental.server",
    "pulumi_aws.appautoscaling",
    "pulumi_aws.autoscaling",
    "pulumi_aws.cloudwatch",
    "pulumi_aws.ec2",
    "pulumi_aws.ecs",
    "pulumi_aws.emr",
    "pulumi_aws.iam",
    "pulumi_aws.s3",
    "pulumi_aws.scheduler",
    "pulumi_aws.secretsmanager",
    "pulumi_kubernetes.core.v1",
    "requests",
    "rich.console",
    "rich.table",
)
"""What programs and providers import."""


@contextmanager
def warm_pythons(folder: Path, variables: Mapping[str, str]) -> Iterator[None]:
    """Have a folder hold a `python3` that has begun, for programs with these variables."""
    with ExitStack() as stack:
        # The path of a socket may have a hundred characters, and the folder's has more.
        sockets = stack.enter_context(TemporaryDirectory(prefix="python-"))
        for number in range(SERVERS):
            # Of the order of sets.
            environment = {**variables, "PYTHONHASHSEED": str(number + 1)}
            address = f"{sockets}/{number}"
            stack.enter_context(processes.hosted(Path(__file__), address, environment=environment))
        client = [sys.executable, "-ISE", str(CLIENT), sys.executable, sockets, str(SERVERS)]
        file = folder / "python3"
        file.write_text(f'#!/bin/sh\nexec {shlex.join(client)} "$@"\n')
        file.chmod(0o755)
        yield


def main() -> None:
    """Import, and run each program that a client asks for, until the client or it ends."""
    for name in IMPORTED:
        # Those of pulumi_aws are loaded when one first looks into them.
        getattr(import_module(name), "__all__", None)
    del sys.path[0]  # where this file is
    gc.freeze()  # what is shared with the programs stays shared
    forking = multiprocessing.get_context("fork")
    running: dict[socket.socket, BaseProcess] = {}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(sys.argv[1])
        listener.listen()
        print("ready", flush=True)
        while True:
            ended = [each.sentinel for each in running.values()]
            ready = wait([sys.stdin.fileno(), listener, *running, *ended])
            if sys.stdin.fileno() in ready:
                return
            for client, program in tuple(running.items()):
                if program.sentinel not in ready:
                    if client not in ready:
                        continue
                    program.kill()  # as its client was
                program.join()
                with suppress(BrokenPipeError):
                    client.send((program.exitcode or 0).to_bytes(1, signed=True))
                client.close()
                del running[client]
            if listener in ready:
                client, _ = listener.accept()
                _, streams, *_ = socket.recv_fds(client, 1, 3)
                asked = json.loads(client.makefile().readline())
                others = (listener, client, *running)
                running[client] = forking.Process(target=_become, args=(asked, streams, others))
                running[client].start()
                for each in streams:
                    os.close(each)


def _become(
    asked: Mapping[str, Any], streams: Iterable[int], others: Iterable[socket.socket]
) -> None:
    """Run what the arguments of an interpreter say.

    Source: https://docs.python.org/3/using/cmdline.html#interface-options
    """
    for each in others:
        each.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - open as long as the program
    sys.stdout, sys.stderr = _unbuffered(1), _unbuffered(2)
    environment = asked["environment"]
    if environment.get("PYTHONPATH") != os.environ["PYTHONPATH"]:
        raise ValueError("a Python that has begun cannot have another PYTHONPATH")
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(asked["folder"])
    try:
        _run(*asked["arguments"])
    finally:
        atexit._run_exitfuncs()


def _run(kind: str, *arguments: str) -> None:
    sys.argv = [kind, *arguments[kind in {"-c", "-m"} :]]
    if kind == "-c":
        sys.path.insert(0, "")
        exec(arguments[0], {"__name__": "__main__"})  # noqa: S102 - what an interpreter does
    elif kind == "-m":
        sys.path.insert(0, os.getcwd())  # noqa: PTH109 - text, as the interpreter has it
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, str(Path(kind).resolve().parent))
        runpy.run_path(kind, run_name="__main__")


def _unbuffered(number: int) -> TextIOWrapper:
    return TextIOWrapper(FileIO(number, "w", closefd=False), write_through=True)


if __name__ == "__main__":
    main()
