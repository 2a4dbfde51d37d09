"""The command line: one file a command, imported when it is called."""
# ruff: noqa: ARG002 - click calls these with a context

from __future__ import annotations

from importlib import import_module

import click

from dativo_infra import __version__

_COMMANDS = {
    "validate": "Check job files and report everything that is wrong, at once.",
    "plan": "Show what would be built for each job, and what becomes of each field.",
    "preview": "Show what a deployment would change, before anything is done.",
    "synth": "Write the jobs' infrastructure as files of another tool.",
    "deploy": "Create and update the jobs' stacks, of CloudFormation and of Pulumi.",
    "output": "Print the outputs of the jobs' stacks, or write them to files.",
    "destroy": "Delete the jobs' stacks, and with Pulumi what the jobs have in theirs.",
    "schema": "Print a JSON schema, for editors and other validators.",
    "explain": "Explain a code, a platform, a variable, a field or a kind of resource.",
    "doctor": "Show which tools are here, and the targets and credentials that the jobs would use.",
}

_INTERRUPTED = 130


class _Commands(click.Group):
    """Knows the commands by name, and imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        return import_module(f"dativo_infra.cli.{cmd_name}").command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(_INTERRUPTED)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # The summaries stand here, so that the help imports no command.
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dativo-infra")
def main() -> None:
    """Build the infrastructure that Dativo job files describe.

    Jobs are given as files, folders or patterns. Exit codes: 0 for success, 1 for errors in the
    jobs or the deployment, 2 for a wrong call, 130 for
    Ctrl-C.
    """
