"""What is on this machine: programs, Python packages, and what their own files say.

Reads local files and asks programs for their version; nothing here uses the network, and nothing
that is read from a file of credentials goes further than its name.

Sources: https://docs.aws.amazon.com/boto3/latest/guide/credentials.html,
https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/ and, for where
the selected stack is kept, `workspace/workspace.go` of https://github.com/pulumi/pulumi.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ANSWERS_WITHIN = 3.0
"""Seconds that a program has to tell its version."""
ENGINES = Path(__file__).parents[2] / ".engines" / "bin"
"""Where `make engines` of a checkout puts what it builds; elsewhere there is no such folder."""

_OFFLINE = {
    "PULUMI_SKIP_UPDATE_CHECK": "true",
    "CHECKPOINT_DISABLE": "1",
    # Else go fetches the version that a go.mod above asks for.
    "GOTOOLCHAIN": "local",
}
_VERSION = re.compile(r"\d+\.\d+(\.\d+)?")
_MAKE = "`make engines` in a checkout of dativo-infra builds it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A program that commands, users or tests of this project call."""

    name: str
    purpose: str
    remedy: str
    """What to do where it is missing."""
    ask: tuple[str, ...]
    """Arguments with which it tells its version, or at least answers."""
    tells: bool = True
    """Whether the answer holds its version."""
    others: tuple[str, ...] = ()
    """Programs that serve as well."""
    beside: str = ""
    """A program that finds it in its own folder, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTool:
    """What became of looking for a tool."""

    tool: Tool
    path: str | None = None
    version: str | None = None
    problem: str = ""
    """Why it cannot be used; empty where it can."""


TOOLS = (
    Tool(
        name="pulumi",
        purpose="previews and deploys the jobs that Pulumi owns",
        remedy=f"see https://www.pulumi.com/docs/install, or {_MAKE}",
        ask=("version",),
    ),
    Tool(
        name="pulumi-language-python",
        purpose="runs Pulumi programs in Python, such as stacks/",
        remedy=f"it comes with pulumi, or {_MAKE}",
        # It knows no flag that tells its version alone.
        ask=("-help",),
        tells=False,
        beside="pulumi",
    ),
    Tool(
        name="kubectl",
        purpose="starts a suspended CronJob by hand; tests: judges Kubernetes objects",
        remedy="see https://kubernetes.io/docs/tasks/tools",
        ask=("version", "--client"),
    ),
    Tool(
        name="terraform",
        purpose="tests: judges Terraform configurations",
        remedy=f"see https://developer.hashicorp.com/terraform/install; of OpenTofu, {_MAKE}",
        ask=("version",),
        others=("tofu",),
    ),
    Tool(
        name="kube-apiserver",
        purpose="tests: stores and judges Kubernetes objects",
        remedy=_MAKE,
        ask=("--version",),
    ),
    Tool(
        name="kube-controller-manager",
        purpose="tests: finishes deleting namespaces, keeps quotas",
        remedy=_MAKE,
        ask=("--version",),
    ),
    Tool(
        name="etcd",
        purpose="tests: keeps what kube-apiserver stores",
        remedy="install the system's package etcd-server",
        ask=("--version",),
    ),
    Tool(
        name="go",
        purpose="`make engines` builds with it what is missing of the above",
        remedy="see https://go.dev/dl",
        ask=("version",),
    ),
)


def find_tool(tool: Tool) -> FoundTool:
    """Look for a tool, and ask it for its version."""
    names = (tool.name, *tool.others)
    path = next((path for name in names if (path := shutil.which(name))), None)
    if path is None and tool.beside and (its := shutil.which(tool.beside)):
        path = shutil.which(tool.name, path=Path(its).resolve().parent)
    off_path = ""
    if path is None:
        path = next((path for name in names if (path := shutil.which(name, path=ENGINES))), None)
        off_path = f"not on PATH: put {ENGINES} first on it" if path else ""
    if path is None:
        return FoundTool(tool=tool, problem="missing")
    version, problem = _ask(path, tool)
    return FoundTool(tool=tool, path=path, version=version, problem=problem or off_path)


def _ask(path: str, tool: Tool) -> tuple[str | None, str]:
    """Return a program's version, and what is wrong with it."""
    try:
        done = subprocess.run(  # noqa: S603 - the user's own tools
            [path, *tool.ask],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=os.environ | _OFFLINE,
            timeout=ANSWERS_WITHIN,
            check=True,
        )
    except subprocess.TimeoutExpired:
        return None, f"hangs: no answer within {ANSWERS_WITHIN:g} s"
    except subprocess.CalledProcessError as error:
        return None, f"broken: exit code {error.returncode}"
    except OSError as error:
        return None, f"broken: {error.strerror}"
    if not tool.tells:
        return None, ""
    # A warning on standard error may hold other numbers.
    found = _VERSION.search(done.stdout.decode(errors="replace"))
    return (found[0], "") if found else (None, "broken: it does not tell its version")


# --- Python packages ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """An optional Python package."""

    name: str
    extra: str
    cost: str
    """What cannot be done without it."""

    @property
    def remedy(self) -> str:
        """What to do where it is missing."""
        return f"pip install 'dativo-infra[{self.extra}]'"

    def version(self) -> str | None:
        """Return the version that is installed; None where it is not."""
        from importlib.metadata import PackageNotFoundError, version
        from importlib.util import find_spec

        if find_spec(self.name.replace("-", "_")) is None:
            return None
        try:
            return version(self.name)
        except PackageNotFoundError:
            return None


PACKAGES = (
    Package(name="pulumi", extra="pulumi", cost="no job is built by Pulumi"),
    Package(name="pulumi-aws", extra="pulumi", cost="no job on AWS is built by Pulumi"),
    Package(
        name="pulumi-kubernetes", extra="pulumi", cost="no job on Kubernetes is built by Pulumi"
    ),
    Package(
        name="troposphere",
        extra="cloudformation",
        cost="no template of CloudFormation is made: no synth, preview or deploy",
    ),
    Package(
        name="boto3",
        extra="cloudformation",
        cost="nothing is previewed or deployed by CloudFormation",
    ),
    Package(name="moto", extra="local", cost="no --local: nothing to try a deployment on"),
)


# --- AWS's own configuration ----------------------------------------------------------------------

_KINDS = {
    "role_arn": "a role",
    "sso_session": "single sign-on",
    "sso_start_url": "single sign-on",
    "login_session": "a login",
    "aws_access_key_id": "a key",
    "credential_process": "a program",
}
_CONTAINER = ("RELATIVE", "FULL")


def aws_credentials(environment: Mapping[str, str]) -> str | None:
    """Return what names the credentials that AWS's tools would use, as far as files tell.

    None says nothing of a machine that gets its credentials from the place it runs in.
    """
    if environment.get("AWS_ACCESS_KEY_ID"):
        return "AWS_ACCESS_KEY_ID of the environment"
    if environment.get("AWS_WEB_IDENTITY_TOKEN_FILE") and environment.get("AWS_ROLE_ARN"):
        return "AWS_WEB_IDENTITY_TOKEN_FILE of the environment"
    name, profile = _profile(environment)
    for key, kind in _KINDS.items():
        if key in profile:
            return f"profile {name}, {kind}"
    if any(environment.get(f"AWS_CONTAINER_CREDENTIALS_{each}_URI") for each in _CONTAINER):
        return "the role of this container"
    return None


def aws_region(environment: Mapping[str, str]) -> str | None:
    """Return the region that boto3 would use where none is given."""
    return environment.get("AWS_DEFAULT_REGION") or _profile(environment)[1].get("region")


def _profile(environment: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
    """Return the name of the profile in use, and all that both of AWS's files say of it."""
    from configparser import Error, RawConfigParser

    asked = environment.get("AWS_DEFAULT_PROFILE") or environment.get("AWS_PROFILE")
    name = asked or "default"
    found: dict[str, str] = {}
    for variable, usual, section in (
        ("AWS_CONFIG_FILE", "config", name if name == "default" else f"profile {name}"),
        ("AWS_SHARED_CREDENTIALS_FILE", "credentials", name),
    ):
        file = Path(environment.get(variable) or f"~/.aws/{usual}").expanduser()
        # `default` is a profile as any other, not one that all inherit from.
        parser = RawConfigParser(default_section="", strict=False)
        try:
            parser.read_string(file.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, Error):
            continue
        if parser.has_section(section):
            found.update(parser.items(section))
    return name, found


# --- Kubernetes' and Pulumi's own configuration ---------------------------------------------------


def kubernetes_contexts(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return the contexts of the kubeconfig, each with the program that gets its credentials.

    That is empty for a context that needs none. The first file that names a thing counts.
    """
    contexts: dict[str, Any] = {}
    programs: dict[str, str] = {}
    for file in kubeconfig(environment):
        data = _yaml(file)
        for name, context in _named(data, "contexts", "context"):
            contexts.setdefault(name, context.get("user"))
        for name, user in _named(data, "users", "user"):
            command = _mapping(user.get("exec")).get("command")
            programs.setdefault(name, command if isinstance(command, str) else "")
    return {name: programs.get(str(user), "") for name, user in contexts.items()}


def kubeconfig(environment: Mapping[str, str]) -> list[Path]:
    """Return the files that make up the kubeconfig, whether they exist or not."""
    listed = environment.get("KUBECONFIG", "").split(os.pathsep)
    return [Path(each) for each in listed if each] or [Path("~/.kube/config").expanduser()]


def _yaml(file: Path) -> Mapping[str, Any]:
    from dativo_infra.loading.files import read
    from dativo_infra.loading.yaml import parse

    text = read(str(file))
    return _mapping(parse(text, str(file)).data) if isinstance(text, str) else {}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _named(data: Mapping[str, Any], several: str, one: str) -> Iterator[tuple[str, Any]]:
    entries = data.get(several)
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(_mapping(entry).get("name"), str):
            yield entry["name"], _mapping(entry.get(one))


def pulumi_project() -> Path | None:
    """Return the file of the Pulumi project that the current folder is in."""
    # As Pulumi does, which names what it keeps after this path.
    logical, real = os.environ.get("PWD", ""), Path.cwd()
    here = Path(logical) if logical and _same(logical, real) else real
    for folder in (here, *here.parents):
        for suffix in ("yaml", "yml", "json"):
            if (file := folder / f"Pulumi.{suffix}").is_file():
                return file
    return None


def _same(one: str, other: Path) -> bool:
    try:
        return Path(one).samefile(other)
    except OSError:
        return False


def pulumi_stack(project: Path, environment: Mapping[str, str]) -> str | None:
    """Return the stack that is selected in a Pulumi project, where local files tell it."""
    import json
    from hashlib import sha1

    if named := environment.get("PULUMI_STACK"):
        return named
    home = Path(environment.get("PULUMI_HOME") or "~/.pulumi").expanduser()
    digest = sha1(str(project).encode(), usedforsecurity=False).hexdigest()
    for file in (home / "workspaces").glob(f"*-{digest}-workspace.json"):
        try:
            kept = _mapping(json.loads(file.read_text("utf-8")))
        except (OSError, ValueError):
            continue
        # Of several backends it is not known here which one is in use.
        names = {*_mapping(kept.get("stacks")).values()} or {kept.get("stack")}
        if len(names) == 1 and isinstance(name := names.pop(), str):
            return name
    return None
