"""Terraform's roots, for the commands that work on them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dativo_infra.adapters.terraform.deploy import Fetcher

binary_option = click.option(
    "--terraform",
    "binary",
    metavar="PROGRAM",
    envvar="DATIVO_INFRA_TERRAFORM",
    help="The terraform or tofu to run; by default the first of these on PATH.",
)
get_option = click.option(
    "--get",
    is_flag=True,
    help="Terraform: fetch modules that are on no local path, to read what variables they have.",
)


@contextmanager
def fetcher(binary: str | None, *, wanted: bool) -> Iterator[Fetcher | None]:
    """Give what fetches modules, where that is wanted.

    Raises:
        DiagnosticError: there is no terraform, and no tofu.
    """
    if not wanted:
        yield None
        return
    from dativo_infra.adapters.terraform.deploy import Fetcher, find_binary

    with Fetcher(find_binary(binary)) as fetch:
        yield fetch
