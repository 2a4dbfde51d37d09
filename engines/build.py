"""Finds the real engines that tests run against, and builds those that this machine lacks.

    python engines/build.py

What counts is the first of each name on `.engines/bin` and then PATH: one that runs and is new
enough is used as it is. What is missing, too old or broken is built into `.engines/bin`, so put
that folder first on PATH to run the engines. Each is built by Go from the exact modules that its
folder's go.mod and go.sum name, fetched as Go's own settings say (`go env GOPROXY`).

To take a newer engine, in its folder: `go get -tool PACKAGE@VERSION && go mod tidy`, copy the
`replace` lines of the engine's own go.mod, and write the version into the table below.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ANSWERS_WITHIN = 20.0  # seconds; a busy machine may take some of them, a hanging tool all
NUMBERS = re.compile(r"(\d+)\.(\d+)\.(\d+)")

PULUMI_VERSION = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
KUBERNETES_VERSION = "k8s.io/component-base/version"
KUBERNETES_FLAGS = (
    f"-X {KUBERNETES_VERSION}.gitVersion=v1.36.3",
    f"-X {KUBERNETES_VERSION}.gitMajor=1",
    f"-X {KUBERNETES_VERSION}.gitMinor=36",
)


@dataclass(frozen=True, slots=True)
class Beside:
    """A file of a Go module that an engine wants beside its binary."""

    folder: str  # in engines/, whose go.mod says which version of the module
    module: str
    path: str

    @property
    def name(self) -> str:
        """The file's name."""
        return Path(self.path).name


@dataclass(frozen=True, slots=True)
class Engine:
    """A program that tests run against, how it is recognised and how it is had."""

    name: str
    purpose: str
    version: str  # the one that is built, and the oldest that is used
    ask: tuple[str, ...]  # arguments that make it answer
    tells_version: bool = True  # else it is enough that it answers
    folder: str = ""  # in engines/; without one, the engine is only looked for
    package: str = ""
    ldflags: tuple[str, ...] = ()
    beside: Beside | None = None
    install: str = ""  # what a person can do about one that is only looked for


ENGINES = (
    Engine(
        name="pulumi",
        purpose="previews and deploys the Pulumi program",
        version="3.259.0",
        ask=("version",),
        folder="pulumi",
        package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        ldflags=(f"-X {PULUMI_VERSION}=v3.259.0",),
    ),
    Engine(
        name="pulumi-language-python",
        purpose="runs a Pulumi program that is written in Python",
        # The last one inside the SDK's module. It knows no flag for its version; an official one
        # comes with its CLI, whose version is asked.
        version="3.79.0",
        ask=("-help",),
        tells_version=False,
        folder="pulumi-language-python",
        package="github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python",
        ldflags=(f"-X {PULUMI_VERSION}=v3.79.0",),
        # The CLI's, since it is what talks to the program's own, newer SDK.
        beside=Beside(
            folder="pulumi",
            module="github.com/pulumi/pulumi/sdk/v3",
            path="python/cmd/pulumi-language-python-exec",
        ),
    ),
    Engine(
        name="kube-apiserver",
        purpose="judges and stores Kubernetes objects",
        version="1.36.3",
        ask=("--version",),
        folder="kubernetes",
        package="k8s.io/kubernetes/cmd/kube-apiserver",
        ldflags=KUBERNETES_FLAGS,
    ),
    Engine(
        name="kube-controller-manager",
        purpose="finishes deleting namespaces, and keeps quotas and service accounts",
        version="1.36.3",
        ask=("--version",),
        folder="kubernetes",
        package="k8s.io/kubernetes/cmd/kube-controller-manager",
        ldflags=KUBERNETES_FLAGS,
    ),
    Engine(
        name="tofu",
        purpose="validates and plans Terraform configurations",
        version="1.10.0",
        ask=("version",),
        folder="tofu",
        package="github.com/opentofu/opentofu/cmd/tofu",
        ldflags=("-X github.com/opentofu/opentofu/version.dev=no",),
    ),
    Engine(
        name="etcd",
        purpose="keeps what kube-apiserver stores",
        version="3.4.0",
        ask=("--version",),
        install="install the system's package etcd-server",
    ),
)


def main(engines: tuple[Engine, ...] = ENGINES, root: Path = ROOT) -> int:
    """Say what each engine is, and build those that cannot be used.

    Args:
        engines: What is wanted.
        root: The project's folder: engines are built from its `engines/`, into its `.engines/`.

    Returns:
        The exit code: 0 if every engine that can be built can now be used.
    """
    binaries = root / ".engines" / "bin"
    lacking: list[Engine] = []
    for engine in engines:
        path = shutil.which(engine.name, path=f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}")
        fault = _fault(engine, Path(path)) if path else f"missing ({engine.purpose})"
        if fault and engine.folder:
            lacking.append(engine)
        _say(engine, f"{fault}; {engine.install}".rstrip("; ") if fault else str(path))
    if not lacking:
        return 0

    go = shutil.which("go")
    if not go:
        print(
            f"\nGo was not found; install Go {_go_version(lacking, root)} or newer"
            " (https://go.dev/dl), which builds:",
            *(f"{engine.name} {engine.version}" for engine in lacking),
            sep="\n  ",
            file=sys.stderr,
        )
        return 1

    binaries.mkdir(parents=True, exist_ok=True)
    failed = [engine for engine in lacking if not _build(engine, go, root, binaries)]
    if failed:
        names = ", ".join(engine.name for engine in failed)
        print(f"\nNot built, see above: {names}", file=sys.stderr)
    return 1 if failed else 0


def _build(engine: Engine, go: str, root: Path, binaries: Path) -> bool:
    """Build an engine under another name, and move it to its place once it has answered."""
    _say(engine, f"building {engine.version}; the first time takes minutes")
    began = time.monotonic()
    # Without CGO the result depends on no C compiler; a go.work further up is not for us.
    environment = os.environ | {"CGO_ENABLED": "0", "GOWORK": "off"}
    flags = ["-mod=readonly", "-trimpath", "-buildvcs=false"]
    with tempfile.TemporaryDirectory(prefix="building-", dir=binaries.parent) as folder:
        built = Path(folder, engine.name)
        made = [built]
        command = [go, "build", *flags, "-ldflags", " ".join(("-s -w", *engine.ldflags))]
        command += ["-o", str(built), engine.package]
        try:
            subprocess.run(  # noqa: S603 - Go, on our own modules
                command, cwd=root / "engines" / engine.folder, env=environment, check=True
            )
            if engine.beside:
                source = _module_folder(engine.beside, go, root, environment) / engine.beside.path
                made.insert(0, Path(shutil.copyfile(source, built.with_name(engine.beside.name))))
                made[0].chmod(0o755)
            if fault := _fault(engine, built):
                _say(engine, f"FAILED: what was built is {fault}")
                return False
            for file in made:  # the binary last: where it is, all is
                file.replace(binaries / file.name)
        except (OSError, subprocess.CalledProcessError) as error:
            _say(engine, f"FAILED: {error}")
            return False
    _say(engine, f"built in {time.monotonic() - began:.0f} s: {binaries / engine.name}")
    return True


def _module_folder(beside: Beside, go: str, root: Path, environment: dict[str, str]) -> Path:
    """Where Go keeps the module that a file comes from."""
    done = subprocess.run(  # noqa: S603 - Go, on our own modules
        [go, "mod", "download", "-json", beside.module],
        cwd=root / "engines" / beside.folder,
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    return Path(json.loads(done.stdout)["Dir"])


def _fault(engine: Engine, path: Path) -> str:
    """Why a program cannot be used as an engine, or nothing."""
    try:
        done = subprocess.run(  # noqa: S603 - the tools that tests are about to run
            [str(path), *engine.ask],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"},
            timeout=ANSWERS_WITHIN,
            check=True,
        )
    except subprocess.TimeoutExpired:
        return f"hanging: {path}"
    except (OSError, subprocess.CalledProcessError) as error:
        return f"broken: {error}"
    # A link does not bring along what lies beside the program itself.
    if engine.beside and not path.resolve().with_name(engine.beside.name).is_file():
        return f"incomplete: {path} has no {engine.beside.name} beside it"
    if not engine.tells_version:
        return ""
    answer = NUMBERS.search(done.stdout.decode(errors="replace"))
    if not answer:
        return f"broken: {path} does not tell its version"
    if _numbers(answer[0]) < _numbers(engine.version):
        return f"too old: {path} is {answer[0]}, {engine.version} is wanted"
    return ""


def _go_version(engines: list[Engine], root: Path) -> str:
    """The oldest Go that builds them all, as their go.mod files say."""
    files = [root / "engines" / engine.folder / "go.mod" for engine in engines]
    found = (re.search(r"^go (\S+)$", file.read_text("utf-8"), re.MULTILINE) for file in files)
    return max((line[1] for line in found if line), key=_numbers)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))


def _say(engine: Engine, what: str) -> None:
    print(f"{engine.name:24}{what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
