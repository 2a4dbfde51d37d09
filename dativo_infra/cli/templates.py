"""`dativo-infra synth --to cloudformation`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from dativo_infra.cli.common import need_extra, prepare, reported

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from dativo_infra.adapters.files import Written


def write(
    output: Path, options: Mapping[str, Any], *, form: Literal["json", "yaml"]
) -> tuple[Written, Iterable[str]]:
    """Write one template for each unit that CloudFormation owns."""
    need_extra("troposphere", "cloudformation")
    from dativo_infra.adapters.cloudformation import synth

    run = prepare(**options)
    run.stop_on_errors()
    with reported():
        return synth(run.plan, output, form=form), run.not_owned_by("cloudformation")
