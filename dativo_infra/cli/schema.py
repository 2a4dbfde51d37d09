"""`dativo-infra schema`."""

from __future__ import annotations

import json

import click


@click.command("schema")
@click.argument("what", type=click.Choice(["job", "block", "project"]), default="job")
def command(what: str) -> None:
    """Print a JSON schema, for editors and other validators.

    Of a job file, of its infrastructure block, or of the project file dativo-infra.yaml.
    """
    from dativo_infra.model import block_schema, job_schema
    from dativo_infra.project import project_schema

    schema = {"job": job_schema, "block": block_schema, "project": project_schema}[what]()
    click.echo(json.dumps(schema, indent=2))
