"""`dativo-infra synth --to terraform`, and `--to tfvars`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo_infra.cli.common import need_extra, prepare, reported

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from dativo_infra.adapters.files import Written
    from dativo_infra.cli.common import Run

TOOL = "terraform"


def write(
    output: Path, options: Mapping[str, Any], *, get: bool, binary: str | None
) -> tuple[Written, Iterable[str]]:
    """Write one root module for each unit that Terraform owns."""
    run = _run(options, get=get, binary=binary)
    from dativo_infra.adapters.terraform import synth

    with reported():
        return synth(run.plan, output), run.not_owned_by(TOOL)


def write_tfvars(
    output: Path, options: Mapping[str, Any], *, get: bool, binary: str | None
) -> tuple[Written, Iterable[str]]:
    """Write the variable files of these roots alone, for roots that a team has elsewhere."""
    run = _run(options, get=get, binary=binary)
    from dativo_infra.adapters.terraform import synth_tfvars
    from dativo_infra.adapters.terraform.synth import left_out, left_to_the_environment

    with reported():
        written = synth_tfvars(run.plan, output)
    lines = run.not_owned_by(TOOL)
    if names := left_out(run.plan):
        lines.append(f"no variable file, since it calls no module: {', '.join(names)}")
    if names := left_to_the_environment(run.plan):
        lines.append(f"Not in the files, to be given by the environment: {', '.join(names)}.")
    return written, lines


def _run(options: Mapping[str, Any], *, get: bool, binary: str | None) -> Run:
    need_extra("hcl2", "terraform")
    run = prepare(**options, get_modules=get, binary=binary)
    run.stop_on_errors()
    return run
