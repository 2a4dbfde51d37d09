"""`dativo-infra validate`."""

from __future__ import annotations

import sys
from typing import Any

import click

from dativo_infra.cli.common import (
    FAILED,
    format_option,
    job_options,
    prepare,
    print_json,
    say,
    show_diagnostics,
)


@click.command("validate")
@job_options
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
@format_option
def command(strict: bool, form: str, **options: Any) -> None:
    """Check job files and report everything that is wrong, at once.

    Variables without a value are notes here, as they may exist only where the job is deployed.
    """
    run = prepare(**options, allow_unresolved=True)
    if form == "json":
        from dativo_infra.diagnostics.render import as_data

        print_json(
            "validation",
            {
                "jobs": len(run.loaded.jobs),
                "without_infrastructure": run.loaded.without_infrastructure,
                "not_jobs": run.loaded.not_jobs,
                "broken": run.loaded.broken,
                "diagnostics": as_data(run.diagnostics),
            },
        )
    else:
        show_diagnostics(run.diagnostics)
        say(run.summary())
    warned = any(each.severity == "warning" for each in run.diagnostics)
    if run.failed or (strict and warned):
        sys.exit(FAILED)
