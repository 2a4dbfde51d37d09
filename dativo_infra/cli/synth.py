"""`dativo-infra synth`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from dativo_infra.cli.common import (
    FAILED,
    job_options,
    need_extra,
    prepare,
    say,
    show_diagnostics,
)
from dativo_infra.cli.stacks import binary_option

if TYPE_CHECKING:
    from dativo_infra.adapters.files import Written
    from dativo_infra.planning import Plan

_NEEDS = {
    "cloudformation": ("troposphere", "cloudformation"),
    "terraform": ("hcl2", "terraform"),
    "tfvars": ("hcl2", "terraform"),
}
"""The package that writing for a tool needs, and the extra that has it."""


@click.command("synth")
@job_options
@click.option(
    "--to",
    type=click.Choice(["cloudformation", "terraform", "tfvars"]),
    required=True,
    help="The tool; `tfvars` for Terraform's variable files alone.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder to write to; nothing is written outside it.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "yaml"]),
    default="json",
    help="How templates are written.",
)
@click.option(
    "--get",
    is_flag=True,
    help="Terraform: fetch modules that are on no local path, to read what variables they have.",
)
@binary_option
def command(
    to: str,
    output: Path,
    form: Literal["json", "yaml"],
    get: bool,
    binary: str | None,
    **options: Any,
) -> None:
    """Write the jobs' infrastructure as files of another tool.

    Files are compared first: those that would not change are not touched. On any error nothing is
    written.
    """
    from dativo_infra.diagnostics import DiagnosticError
    from dativo_infra.diagnostics.render import count_of

    package, extra = _NEEDS[to]
    need_extra(package, extra)
    run = prepare(**options, get_modules=get, binary=binary)
    run.stop_on_errors()
    try:
        written = _write(to, run.plan, output, form)
    except DiagnosticError as error:
        show_diagnostics(error.diagnostics)
        sys.exit(FAILED)
    for name in written.written:
        click.echo(output / name)
    for line in run.not_owned_by("terraform" if to == "tfvars" else to):
        say(line)
    if to == "tfvars":
        _say_left(run.plan)
    say(f"{count_of(len(written.written), 'file')} written, {len(written.unchanged)} unchanged.")


def _write(to: str, plan: Plan, output: Path, form: Literal["json", "yaml"]) -> Written:
    if to == "cloudformation":
        from dativo_infra.adapters.cloudformation import synth

        return synth(plan, output, form=form)
    from dativo_infra.adapters.terraform import synth as synth_roots
    from dativo_infra.adapters.terraform import synth_tfvars

    return synth_roots(plan, output) if to == "terraform" else synth_tfvars(plan, output)


def _say_left(plan: Plan) -> None:
    from dativo_infra.adapters.terraform.synth import left_to_the_environment

    if names := left_to_the_environment(plan):
        say(f"Not in the files, to be given by the environment: {', '.join(names)}.")
