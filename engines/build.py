"""Finds the real engines that tests run against, and builds those that this machine lacks.

    make engines

What counts is the first of each name on `.engines/bin` and then PATH: one that runs and is new
enough is used as it is. What is missing, too old or broken is built into `.engines/bin` by Go, from
the exact modules that its folder's go.mod and go.sum name, fetched as Go's own settings say
(`go env GOPROXY`). One is built after another, since Go keeps all cores busy.

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

from dativo_infra.cli import tools
from dativo_infra.cli.tools import Tool, UnusableError

ROOT = Path(__file__).resolve().parent.parent
PULUMI_VERSION = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
KUBERNETES_VERSION = "k8s.io/component-base/version"
KUBERNETES_FLAGS = (
    f"-X {KUBERNETES_VERSION}.gitVersion=v1.36.3",
    f"-X {KUBERNETES_VERSION}.gitMajor=1",
    f"-X {KUBERNETES_VERSION}.gitMinor=36",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A file of a Go module that an engine wants beside its binary."""

    folder: str  # in engines/, whose go.mod says which version of the module
    module: str
    path: str

    @property
    def name(self) -> str:
        """The file's name."""
        return Path(self.path).name


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A tool that tests run against, and how it is built."""

    tool: Tool
    version: str  # the one that is built, and the oldest that is used
    folder: str  # in engines/
    package: str
    ldflags: tuple[str, ...] = ()
    beside: Beside | None = None


ENGINES = (
    Engine(
        tool=tools.PULUMI,
        version="3.259.0",
        folder="pulumi",
        package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        ldflags=(f"-X {PULUMI_VERSION}=v3.259.0",),
    ),
    Engine(
        tool=tools.PULUMI_PYTHON,
        version="3.79.0",  # the last one inside the SDK's module
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
        tool=tools.PULUMI_NODEJS,
        version="3.40.0",  # inside the SDK's module, like the above
        folder="pulumi-language-nodejs",
        package="github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
        ldflags=(f"-X {PULUMI_VERSION}=v3.40.0",),
    ),
    Engine(
        tool=tools.KUBE_APISERVER,
        version="1.36.3",
        folder="kubernetes",
        package="k8s.io/kubernetes/cmd/kube-apiserver",
        ldflags=KUBERNETES_FLAGS,
    ),
    Engine(
        tool=tools.KUBE_CONTROLLER_MANAGER,
        version="1.36.3",
        folder="kubernetes",
        package="k8s.io/kubernetes/cmd/kube-controller-manager",
        ldflags=KUBERNETES_FLAGS,
    ),
    Engine(
        tool=tools.ETCD,
        version="3.6.16",
        folder="etcd",
        package="go.etcd.io/etcd/server/v3",
    ),
    Engine(
        tool=tools.TOFU,
        version="1.10.0",
        folder="tofu",
        package="github.com/opentofu/opentofu/cmd/tofu",
        ldflags=("-X github.com/opentofu/opentofu/version.dev=no",),
    ),
)


def main(engines: tuple[Engine, ...] = ENGINES, root: Path = ROOT) -> int:
    """Say what each engine is, and build those that cannot be used.

    Args:
        engines: What is wanted.
        root: The project's folder: engines are built from its `engines/`, into its `.engines/`.

    Returns:
        The exit code: 0 if every engine can now be used.
    """
    binaries = root / ".engines" / "bin"
    searched = f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}"
    lacking: list[Engine] = []
    for engine in engines:
        path = shutil.which(engine.tool.name, path=searched)
        fault = _fault(engine, Path(path)) if path else "missing"
        if fault:
            lacking.append(engine)
        _say(engine, " ".join(filter(None, (path, fault and f"({fault})"))))
    if not lacking:
        return 0

    go = shutil.which("go")
    if not go:
        print(
            f"\nGo was not found; install Go {_go_version(lacking, root)} or newer"
            " (https://go.dev/dl), which builds:",
            *(f"{engine.tool.name} {engine.version}" for engine in lacking),
            sep="\n  ",
            file=sys.stderr,
        )
        return 1

    binaries.mkdir(parents=True, exist_ok=True)
    failed = [engine for engine in lacking if not _build(engine, go, root, binaries)]
    if failed:
        names = ", ".join(engine.tool.name for engine in failed)
        print(f"\nNot built, see above: {names}", file=sys.stderr)
    return 1 if failed else 0


def _build(engine: Engine, go: str, root: Path, binaries: Path) -> bool:
    """Build an engine in another folder, and move it to its place once it has answered."""
    _say(engine, f"building {engine.version}; the first time takes minutes")
    began = time.monotonic()
    # Without CGO the result depends on no C compiler; a go.work further up is not for us.
    environment = os.environ | {"CGO_ENABLED": "0", "GOWORK": "off"}
    flags = ["-mod=readonly", "-trimpath", "-buildvcs=false"]
    with tempfile.TemporaryDirectory(prefix="building-", dir=binaries.parent) as folder:
        built = Path(folder, engine.tool.name)
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
    _say(engine, f"built in {time.monotonic() - began:.0f} s: {binaries / engine.tool.name}")
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
        version = engine.tool.version(path)
    except UnusableError as error:
        return str(error)
    # A link does not bring along what lies beside the program itself.
    if engine.beside and not path.resolve().with_name(engine.beside.name).is_file():
        return f"incomplete: no {engine.beside.name} beside it"
    if version and _numbers(version) < _numbers(engine.version):
        return f"too old: {version}, and {engine.version} is wanted"
    return ""


def _go_version(engines: list[Engine], root: Path) -> str:
    """The oldest Go that builds them all, as their go.mod files say."""
    files = [root / "engines" / engine.folder / "go.mod" for engine in engines]
    found = (re.search(r"^go (\S+)$", file.read_text("utf-8"), re.MULTILINE) for file in files)
    return max((line[1] for line in found if line), key=_numbers)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))


def _say(engine: Engine, what: str) -> None:
    print(f"{engine.tool.name:24}{what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
