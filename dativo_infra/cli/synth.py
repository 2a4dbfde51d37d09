"""`dativo-infra synth`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Literal

import click

from dativo_infra.cli.common import FAILED, job_options, need_extra, prepare, say, show_diagnostics


@click.command("synth")
@job_options
@click.option("--to", type=click.Choice(["cloudformation"]), required=True, help="The tool.")
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
def command(to: str, output: Path, form: Literal["json", "yaml"], **options: Any) -> None:
    """Write the jobs' infrastructure as files of another tool.

    Files are compared first: those that would not change are not touched. On any error nothing is
    written.
    """
    need_extra("troposphere", "cloudformation")
    from dativo_infra.adapters.cloudformation import synth
    from dativo_infra.diagnostics import DiagnosticError
    from dativo_infra.diagnostics.render import count_of

    run = prepare(**options)
    run.stop_on_errors()
    try:
        written = synth(run.plan, output, form=form)
    except DiagnosticError as error:
        show_diagnostics(error.diagnostics)
        sys.exit(FAILED)
    for name in written.written:
        click.echo(output / name)
    for line in run.not_owned_by(to):
        say(line)
    say(f"{count_of(len(written.written), 'file')} written, {len(written.unchanged)} unchanged.")
