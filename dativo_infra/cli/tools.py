"""The programs that users and tests of this project run, and how each is asked for its version."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

ENGINES = Path(__file__).parents[2] / ".engines" / "bin"
"""Where `make engines` of a checkout puts what it builds; elsewhere there is no such folder."""
ANSWERS_WITHIN = 20.0
"""Seconds: a busy machine may take some of them, a hanging program all."""

_VERSION = re.compile(r"\d+\.\d+(\.\d+)?")
_QUIET = {
    "PULUMI_SKIP_UPDATE_CHECK": "true",
    # Else Go fetches the version that a go.mod above asks for.
    "GOTOOLCHAIN": "local",
}
_MAKE = "`make engines` in a checkout of dativo-infra builds it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A program, and what it is for."""

    name: str
    purpose: str
    ask: tuple[str, ...] = ("version",)
    """Arguments that make it answer."""
    tells_version: bool = True
    """Whether the answer holds its version; else it is enough that it answers."""
    remedy: str = _MAKE
    """What to do where it is missing."""

    def run(self, path: Path | str, *arguments: str) -> str:
        """Run the program and return what it writes to standard output.

        Raises:
            UnusableError: it hangs, fails or cannot be started.
        """
        try:
            done = subprocess.run(  # noqa: S603 - a tool that the user or a test is about to run
                [str(path), *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=os.environ | _QUIET,
                timeout=ANSWERS_WITHIN,
                check=True,
            )
        except subprocess.TimeoutExpired:
            raise UnusableError(f"hanging: no answer within {ANSWERS_WITHIN:g} s") from None
        except subprocess.CalledProcessError as error:
            raise UnusableError(f"broken: exit code {error.returncode}") from None
        except OSError as error:
            raise UnusableError(f"broken: {error.strerror}") from None
        return done.stdout.decode(errors="replace")

    def version(self, path: Path | str) -> str:
        """Return the version that the program tells; empty where it tells none.

        Raises:
            UnusableError: it hangs, fails, or tells no version though it should.
        """
        answer = self.run(path, *self.ask)
        if not self.tells_version:
            return ""
        if found := _VERSION.search(answer):
            return found[0]
        raise UnusableError("broken: it does not tell its version")


class UnusableError(Exception):
    """A program is there and cannot be used; the text says why."""


PULUMI = Tool(
    name="pulumi",
    purpose="previews and deploys the jobs that Pulumi owns",
    remedy=f"see https://www.pulumi.com/docs/install; {_MAKE}, too",
)
PULUMI_PYTHON = Tool(
    name="pulumi-language-python",
    purpose="runs Pulumi programs in Python, such as stacks/",
    # It knows no flag for its version. An official one comes with its CLI, whose version is asked.
    ask=("-help",),
    tells_version=False,
    remedy=f"it comes with pulumi; {_MAKE}, too",
)
PULUMI_NODEJS = Tool(
    name="pulumi-language-nodejs",
    purpose="tests: runs Pulumi programs in JavaScript",
    ask=("-help",),  # likewise
    tells_version=False,
)
KUBE_APISERVER = Tool(
    name="kube-apiserver",
    purpose="tests: judges and stores Kubernetes objects",
    ask=("--version",),
)
KUBE_CONTROLLER_MANAGER = Tool(
    name="kube-controller-manager",
    purpose="tests: finishes deleting namespaces, keeps quotas and service accounts",
    ask=("--version",),
)
ETCD = Tool(name="etcd", purpose="tests: keeps what kube-apiserver stores", ask=("--version",))
TERRAFORM = Tool(
    name="terraform",
    purpose="fetches Terraform modules, and deploys the jobs that call one; tofu does, too",
    remedy="see https://developer.hashicorp.com/terraform/install, or take tofu",
)
TOFU = Tool(
    name="tofu",
    purpose="OpenTofu: what terraform does, where that is not on PATH",
    remedy=f"see https://opentofu.org/docs/intro/install; {_MAKE}, too",
)
GO = Tool(
    name="go",
    purpose="`make engines` builds with it what is missing of the above",
    remedy="see https://go.dev/dl",
)

TOOLS = (
    PULUMI,
    PULUMI_PYTHON,
    PULUMI_NODEJS,
    KUBE_APISERVER,
    KUBE_CONTROLLER_MANAGER,
    ETCD,
    TERRAFORM,
    TOFU,
    GO,
)
