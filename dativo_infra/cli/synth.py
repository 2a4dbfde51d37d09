"""`dativo-infra synth`."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from dativo_infra.cli.common import job_options, say
from dativo_infra.cli.stacks import binary_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.adapters.files import Written


@dataclass(frozen=True, slots=True)
class _Form:
    """What can be written."""

    module: str
    """Has the function that writes it, which takes the output folder, the options of jobs, and the
    form's own options by name; it returns what was written and lines for people."""
    options: tuple[str, ...] = ()
    """The options that are for it; one that is for other forms alone is a wrong call."""
    function: str = "write"


_FORMS: Mapping[str, _Form] = {
    "cloudformation": _Form("templates", ("form",)),
    "manifests": _Form(
        "manifests",
        (
            "gitops",
            "repo",
            "revision",
            "path",
            "gitops_namespace",
            "git_secret",
            "shards",
            "backend",
            "prune",
        ),
    ),
    "terraform": _Form("roots", ("get", "binary")),
    "tfvars": _Form("roots", ("get", "binary"), "write_tfvars"),
}


@click.command("synth")
@job_options
@click.option(
    "--to",
    type=click.Choice(list(_FORMS)),
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
    help="cloudformation: how templates are written.",
)
@click.option(
    "--gitops",
    type=click.Choice(["argocd", "flux", "pulumi-operator"]),
    help="manifests: also write what Argo CD or Flux apply them by; or, for jobs that Pulumi owns, "
    "the Stacks of its Kubernetes operator alone.",
)
@click.option("--repo", metavar="URL", help="manifests: the Git repository, for --gitops.")
@click.option(
    "--revision",
    metavar="REV",
    default="main",
    show_default=True,
    help="manifests: a branch, refs/tags/NAME or a commit of the repository.",
)
@click.option(
    "--path",
    metavar="PATH",
    help="manifests: folder in the repository, of the output (by default as given to -o), or of "
    "Pulumi.yaml for pulumi-operator (by default the root).",
)
@click.option(
    "--gitops-namespace",
    metavar="NAME",
    help="manifests: namespace of the GitOps objects; by default the tool's usual one.",
)
@click.option(
    "--git-secret",
    metavar="NAME",
    help="manifests: Secret that reads a private repository, for flux and pulumi-operator.",
)
@click.option(
    "--shards",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="manifests: Stacks for each environment, for good.",
)
@click.option(
    "--backend", metavar="URL", help="manifests: where the Stacks' state is, if not Pulumi Cloud."
)
@click.option(
    "--prune", is_flag=True, help="manifests: remove what an earlier run wrote for jobs now gone."
)
@click.option(
    "--get",
    is_flag=True,
    help="terraform, tfvars: fetch modules that are on no local path, to read what variables they "
    "have.",
)
@binary_option
@click.pass_context
def command(context: click.Context, to: str, output: Path, **options: Any) -> None:
    """Write the jobs' infrastructure as files of another tool.

    Files are compared first: those that would not change are not touched. On any error nothing is
    written.
    """
    own = {name: options[name] for name in _FORMS[to].options}
    for name in dict.fromkeys(each for form in _FORMS.values() for each in form.options):
        if name not in own:
            _refuse_if_given(context, name, to)
        del options[name]
    written: Written
    write = getattr(import_module(f"dativo_infra.cli.{_FORMS[to].module}"), _FORMS[to].function)
    written, lines = write(output, options, **own)
    for name in written.written:
        click.echo(output / name)
    for line in lines:
        say(line)
    from dativo_infra.diagnostics.render import count_of

    removed = f", {len(written.removed)} removed" if written.removed else ""
    say(
        f"{count_of(len(written.written), 'file')} written, "
        f"{len(written.unchanged)} unchanged{removed}."
    )


def _refuse_if_given(context: click.Context, name: str, to: str) -> None:
    # A variable of the environment speaks to all commands, and not to this call alone.
    if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
        flag = next(each.opts[0] for each in context.command.params if each.name == name)
        forms = " and ".join(form for form, each in _FORMS.items() if name in each.options)
        raise click.UsageError(f"{flag} is for --to {forms}, not for --to {to}")
