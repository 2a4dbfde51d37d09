"""A unit as a root module: the files that it is written as, with the way back to the job.

What a job says is either data in `terraform.tfvars.json`, which Terraform never evaluates, or text
in `main.tf.json` that is written so that nothing of it is evaluated.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dativo_infra.adapters.terraform.literals import quoted
from dativo_infra.names import STACK, render
from dativo_infra.platforms.terraform import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dativo_infra.diagnostics import Location
    from dativo_infra.planning.result import Unit
    from dativo_infra.resources import Resource
    from dativo_infra.values import Parameter

TOOL = "terraform"

MAIN, VARIABLES, BACKEND, IGNORE = (
    "main.tf.json",
    "terraform.tfvars.json",
    "backend.tfbackend.json",
    ".gitignore",
)
JOBS = "dativo_jobs"
"""The output that says whose a root is, for runs that have only some of the jobs that share it."""
REQUIRED_VERSION = ">= 1.4"
"""The oldest version with `workspace select -or-create`."""

LIST = "list(string)"
"""The type of a variable that takes several texts."""

_IGNORED = """\
# Written by dativo-infra.
.terraform/
*.tfstate
*.tfstate.*
terraform.tfstate.d/
*.tfplan
crash.log
"""


@dataclass(frozen=True, kw_only=True)
class Root:
    """A unit in Terraform's form, whether it calls a module or has resources of its own."""

    unit: Unit
    document: Mapping[str, Any]
    """The content of `main.tf.json`, but for the backend."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """The values of its variables, as data."""
    parameters: Mapping[str, Parameter]
    """What must be given to its variables by the environment, by their names."""
    origins: Mapping[str, Location | None]
    """The places in a job file that say the values of variables, by their names."""
    addresses: Mapping[str, Resource]
    """The unit's resources by the addresses of all that they become; a module by its own."""
    secret_outputs: tuple[str, ...] = ()
    """The outputs whose values are not to be shown."""

    @property
    def name(self) -> str:
        """Return the name of the root's folder."""
        return root_name(self.unit)

    @property
    def former_names(self) -> tuple[str, ...]:
        """Return what the folder was called earlier."""
        return tuple(render(identity, STACK) for identity in self.unit.former)

    @property
    def state(self) -> State:
        """Return where the state is."""
        return self.unit.state or State()

    @cached_property
    def files(self) -> Mapping[str, str]:
        """Return the texts of its files by their names."""
        backend = self.state.backend
        document = dict(self.document)
        files: dict[str, str] = {IGNORE: _IGNORED}
        if backend is not None:
            settings = {**document["terraform"], "backend": {backend.type: {}}}
            document["terraform"] = settings
            files[BACKEND] = json_text(backend.config)
        if self.values:
            files[VARIABLES] = json_text(self.values)
        return {MAIN: json_text(document), **files}

    @property
    def retained(self) -> tuple[str, ...]:
        """Return the addresses that are taken out of the state before the root is destroyed."""
        return tuple(name for name, each in self.addresses.items() if each.lifecycle.retain)

    def environment(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return the environment that gives the root what no file holds.

        Args:
            values: By the names of parameters; lists joined by commas. Without a value it is
                empty, as when something is destroyed for which that does not matter.
        """
        variables = self.document.get("variable", {})
        return {
            f"TF_VAR_{name}": _listed(values.get(each.name, ""))
            if variables[name]["type"] == LIST
            else values.get(each.name, "")
            for name, each in self.parameters.items()
        }

    def within(self, address: str) -> str:
        """Return an address as a module itself would say it; as it is where none is called."""
        for name in self.addresses:
            address = address.removeprefix(f"{name}.")
        return address

    def origin(self, address: str = "", variables: Iterable[str] = ()) -> Location | None:
        """Return the place in a job file that is meant; that of the whole unit where none is.

        Args:
            address: Of a resource.
            variables: Where the address is not known: the first of these that is tells the place.
        """
        resource = self.addresses.get(address)
        said = (self.origins.get(each) for each in variables)
        parts = (each.origin for each in self.unit.resources)
        places = (resource.origin if resource else None, *said, *parts)
        return next((each for each in places if each), None)


def root_name(unit: Unit) -> str:
    """Return the name of a unit's folder, and of its variable file."""
    return unit.name(STACK)


def _listed(text: str) -> str:
    """Return several texts as the environment gives a list, which is an expression."""
    return "[{}]".format(", ".join(f'"{quoted(each)}"' for each in text.split(",")))


def json_text(value: Any) -> str:
    """Return data as a file has it, for people too."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
