"""Tests of `dativo-infra deploy`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def test_local_deployment_reads_the_tags_back(run, examples: Path) -> None:
    """Every CloudFormation-owned job is created, with the tags that the services report."""
    result = run("deploy", "--local", examples, "--format", "json")
    assert result.exit_code == 0
    data = json.loads(result.stdout)
    actions = {each["identity"]: each["action"] for each in data["stacks"]}
    assert {"acme/prod/billing_emr", "globex/prod/inventory"} <= actions.keys()
    assert set(actions.values()) == {"created"}
    tagged = [each for each in data["resources"] if each["tags"] is not None]
    assert {"AWS::EMR::Cluster", "AWS::IAM::Role", "AWS::S3::Bucket"} <= {
        each["type"] for each in tagged
    }
    for each in tagged:
        assert {"CostCenter", "dativo:tenant"} <= set(each["tags"])
    assert data["not_created"] == []


def test_local_deployment_shows_a_table_and_what_is_left_out(run, examples: Path) -> None:
    """A person sees jobs, what was built, the tags with their counts, and moto's gaps."""
    result = run("deploy", "--local", examples)
    assert "CostCenter=finance (4 of 4)" in result.stdout
    assert "embedded: AWS::EMR::Cluster ends at once" in result.stderr
    assert "left to pulumi: " in result.stderr
    assert "No job builds" not in result.stderr


def test_missing_parameters_are_named_at_once(run, write_job) -> None:
    """Nothing is deployed while a value is missing; all that are missing are named together."""
    path = write_job(
        """
provider: cloudformation
runtime:
  platform: emr
  compute: {instance_type: m5.xlarge}
  network:
    subnet_ids: ["${SUBNET_HERE}"]
    security_group_ids: ["${GROUP_HERE}"]
"""
    )
    result = run("deploy", "--local", path)
    assert result.exit_code == 1
    assert result.stderr.count("error[DI701]") == 2
    given = run("deploy", "--local", path, SUBNET_HERE="subnet-0a1b2c3d", GROUP_HERE="sg-0a1b2c3d")
    assert given.exit_code == 0


def test_deployment_to_an_account(run, stacks, write_job, emr: str) -> None:
    """Stacks are created, then left as they are, then updated; each run says what it did."""
    path = write_job(emr)
    created = run("deploy", path)
    assert created.exit_code == 0
    assert stacks() == {"acme-prod-orders"}
    assert "acme-prod-orders  CREATE_COMPLETE" in created.stderr
    assert "1 stack: 1 created." in created.stderr
    again = run("deploy", path)
    assert again.exit_code == 0
    assert "No changes. 1 stack: 1 unchanged." in again.stderr
    assert again.stdout == ""
    write_job(emr + "  tags: {Team: other}\n")
    assert "1 stack: 1 updated." in run("deploy", path).stderr


def test_failure_is_shown_in_the_job(run, aws, write_job, emr: str) -> None:
    """What failed is shown at its line, the others go on, and the exit code tells."""
    bad = emr.replace(
        "  platform: emr", "  platform: emr\n  service_account: arn:aws:iam::123456789012:role/none"
    )
    path = write_job(bad, "bad")
    write_job(emr, "good")
    result = run("deploy", path.parent, "--concurrency", "1", "--format", "json")
    assert result.exit_code == 1
    data = json.loads(result.stdout)
    assert {each["identity"]: each["action"] for each in data["stacks"]} == {
        "acme/prod/bad": "failed",
        "acme/prod/good": "created",
    }
    assert "error[DI702]: `instance-profile`" in result.stderr
    assert "bad.yaml:" in result.stderr
    assert "2 stacks: 1 created, 1 failed." in result.stderr
    later = run("deploy", path)
    assert "error[DI708]" in later.stderr
    aws.client("iam").create_role(RoleName="none", AssumeRolePolicyDocument="{}")
    assert run("deploy", path, "--recreate-failed").exit_code == 0


SECRET = """
provider: cloudformation
runtime:
  platform: emr
  compute: {instance_type: m5.xlarge}
  network: {subnet_ids: ["${SUBNET_HERE}"], security_group_ids: ["${GROUP_TOKEN}"]}
metadata:
  variables: {protect: false}
"""


def test_parameters_by_strength(run, aws, write_job, tmp_path: Path) -> None:
    """An option is stronger than a file, and a file than the environment; no secret is shown."""
    path = write_job(SECRET)
    file = tmp_path / "values.env"
    file.write_text("SUBNET_HERE=subnet-0000000f\nGROUP_TOKEN=sg-0a1b2c3d\n")
    given = ("--env-file", file, "--param", "SUBNET_HERE=subnet-000000aa")
    result = run("deploy", path, *given, SUBNET_HERE="subnet-0000000e")
    assert result.exit_code == 0, result.output
    assert "sg-0a1b2c3d" not in result.output
    template = aws.client("cloudformation").get_template(StackName="acme-prod-orders")
    text = json.dumps(template["TemplateBody"])
    assert "subnet-000000aa" in text
    assert "sg-0a1b2c3d" not in text


def test_wrong_param_shows_no_value(run, write_job, emr: str) -> None:
    """A parameter that is none is a wrong call, and the text is not repeated."""
    for wrong in ("hunter2", "=hunter2", "a-b=hunter2"):
        result = run("deploy", write_job(emr), "--param", wrong)
        assert result.exit_code == 2
        assert "hunter2" not in result.output


def test_large_template_needs_a_bucket(run, aws, stacks, write_job, emr: str) -> None:
    """A template that a request cannot carry is refused with the option, or goes by the bucket."""
    names = ", ".join(f"Application{number:05}" for number in range(4000))
    path = write_job(
        emr.replace("{protect: false}", f"{{protect: false, applications: [{names}]}}")
    )
    refused = run("deploy", path)
    assert refused.exit_code == 1
    assert "error[DI713]" in refused.stderr
    assert stacks() == set()
    aws.client("s3").create_bucket(Bucket="templates")
    assert run("deploy", path, "--template-bucket", "templates").exit_code == 0
    assert stacks() == {"acme-prod-orders"}


def project(folder: Path, text: str = "name: fleet\n") -> Path:
    """Write a project file, and return its folder."""
    (folder / "dativo-infra.yaml").write_text(text)
    return folder


def test_stacks_without_a_job_are_listed_and_pruned(
    run, stacks, write_job, emr: str, tmp_path: Path
) -> None:
    """They are listed at every run of the whole project, and deleted only by --prune."""
    folder = project(tmp_path)
    write_job(emr, "stays")
    gone = write_job(emr, "gone")
    protected = write_job(emr.replace("protect: false", "protect: true"), "safe")
    assert run("deploy", folder, "--concurrency", "1").exit_code == 0
    gone.unlink()
    protected.unlink()
    listed = run("deploy", folder)
    assert listed.exit_code == 0
    assert "No job builds these stacks any more" in listed.stderr
    assert "acme-prod-gone" in listed.stderr
    assert "--prune" in listed.stderr
    assert "No job builds" not in run("deploy", folder / "stays.yaml").stderr
    assert "acme-prod-gone" in run("preview", folder).stderr
    pruned = run("deploy", folder, "--prune", "--yes", "--format", "json")
    assert pruned.exit_code == 0
    assert {"stack": "acme-prod-gone", "action": "deleted"} in json.loads(pruned.stdout)["pruned"]
    assert "retained" in pruned.stderr
    assert "set protect: false, deploy, then destroy" in pruned.stderr
    assert stacks() == {"acme-prod-stays", "acme-prod-safe"}


def test_prune_finds_the_last_job_too(run, stacks, write_job, emr: str, tmp_path) -> None:
    """Where no job of CloudFormation is left its stacks can be pruned, but not without any job."""
    folder = project(tmp_path)
    gone = write_job(emr, "gone")
    run("deploy", folder)
    gone.unlink()
    (tmp_path / "notes.yaml").write_text("nothing: here\n")
    assert run("deploy", folder, "--prune", "--yes").exit_code == 2
    assert stacks() == {"acme-prod-gone"}
    write_job(emr.replace("provider: cloudformation", "provider: manual"), "other")
    assert run("deploy", folder, "--prune", "--yes").exit_code == 0
    assert stacks() == set()


def test_prune_keeps_what_a_job_that_exists_has_built(
    run, stacks, write_job, emr: str, tmp_path
) -> None:
    """A job that another tool owns now may still run on what was built; its stack stays."""
    folder = project(tmp_path)
    write_job(emr, "moved")
    run("deploy", folder)
    write_job(emr.replace("provider: cloudformation", "provider: manual"), "moved")
    result = run("deploy", folder, "--prune", "--yes")
    assert "the job acme/prod/moved exists" in result.stderr
    assert stacks() == {"acme-prod-moved"}


@pytest.mark.parametrize("case", ["project", "variable"])
def test_prune_that_cannot_tell_what_is_gone(run, stacks, write_job, tmp_path, case: str) -> None:
    """With a project file that was named, or a name made of a variable, nothing is pruned."""
    folder = project(tmp_path)
    block = "provider: manual\nruntime: {platform: emr}"
    write_job(block + ("\nname: x-${STAGE:-dev}" if case == "variable" else ""), "here")
    more = ("--project", folder / "dativo-infra.yaml") if case == "project" else ()
    result = run("deploy", folder, "--prune", "--yes", *more)
    assert result.exit_code == 2
    assert stacks() == set()


def test_stack_of_somebody_else_is_left_alone(run, stacks, write_job, emr: str, aws) -> None:
    """A stack that has a job's name by chance is neither updated nor deleted."""
    path = write_job(emr, "here")
    body = '{"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}}'
    client = aws.client("cloudformation")
    client.create_stack(StackName="acme-prod-here", TemplateBody=body)
    for command in (("preview", path), ("deploy", path)):
        result = run(*command)
        assert result.exit_code == 1
        assert "DI716" in result.stderr
    assert run("output", path).exit_code == 1
    assert "not one that this tool made" in run("destroy", path, "--yes").stdout
    assert stacks() == {"acme-prod-here"}


def test_prune_asks(run, stacks, write_job, emr: str, monkeypatch) -> None:
    """Without --yes a person is asked, and a no deletes nothing."""
    from dativo_infra.cli import deploy

    folder = project(write_job(emr, "stays").parent)
    gone = write_job(emr, "gone")
    run("deploy", folder, "--concurrency", "1")
    gone.unlink()
    monkeypatch.setattr(deploy, "need_answer", lambda _: None)
    asked: list[str] = []
    monkeypatch.setattr(deploy, "ask", asked.append)
    result = run("deploy", folder, "--prune")
    assert result.exit_code == 0
    assert asked == ["Delete 1 stack that no job names any more?"]
    assert "Nothing was deleted." in result.stderr
    assert stacks() == {"acme-prod-stays", "acme-prod-gone"}


def test_prune_needs_the_whole_project(run, write_job, emr: str, tmp_path: Path) -> None:
    """What cannot tell which stacks are without a job is a wrong call, before anything is done."""
    folder = tmp_path / "jobs"
    folder.mkdir()
    path = write_job(emr)
    path = path.rename(folder / path.name)
    cases = [
        ((path, "--yes"), "folders"),
        ((folder, "--yes"), "`name:`"),
        ((folder, "--yes", "--provider", "cloudformation"), "--provider"),
        ((folder, "--yes", "--local"), "--local"),
        ((folder,), "--yes"),
    ]
    for arguments, words in cases:
        result = run("deploy", *arguments, "--prune")
        assert (result.exit_code, words in result.stderr) == (2, True), arguments
    project(tmp_path)
    assert "the folder that" in run("deploy", folder, "--prune", "--yes").stderr


def test_other_account_is_refused(run, stacks, write_job, emr: str, tmp_path: Path) -> None:
    """Credentials of another account than the target's deploy nothing."""
    project(tmp_path, "targets: {main: {account: '999999999999', region: us-east-1}}\n")
    path = write_job(emr)
    for command in (("deploy",), ("preview",), ("destroy", "--yes"), ("output",)):
        result = run(*command, path)
        assert result.exit_code == 1
        assert "error[DI705]" in result.stderr
        assert "999999999999" in result.stderr
    assert stacks() == set()


def test_no_credentials_are_explained(run, write_job, emr: str) -> None:
    """Without credentials or with a wrong endpoint there is a message, and no traceback."""
    environment = {
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    path = write_job(emr)
    result = run("deploy", path, "--region", "us-east-1", **environment)
    assert result.exit_code == 1
    assert "error[DI704]" in result.stderr
    assert run("deploy", path, "--endpoint-url", "localhost").exit_code == 2
    assert run("deploy", path, "--local", "--endpoint-url", "http://x").exit_code == 2


@pytest.mark.usefixtures("aws")
def test_ctrl_c_says_what_goes_on(run, write_job, emr: str, monkeypatch) -> None:
    """An interrupted run says which stacks go on by themselves, and exits with 130."""
    from dativo_infra.adapters import results
    from dativo_infra.adapters.cloudformation import deploy as adapter

    def interrupted(units: Any, **_: Any) -> None:
        [unit] = units
        result = results.StackResult(unit=unit, stack="s", action=results.Action.LEFT)
        raise results.InterruptedRunError([result])

    monkeypatch.setattr(adapter, "deploy", interrupted)
    result = run("deploy", write_job(emr))
    assert result.exit_code == 130
    assert "CloudFormation goes on by itself with: s." in result.stderr


def test_ctrl_c_anywhere_exits_with_130(run, examples: Path, monkeypatch) -> None:
    """Ctrl-C has the same exit code at every place."""
    from dativo_infra.cli import deploy

    def press(**_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(deploy, "prepare", press)
    assert run("deploy", examples).exit_code == 130


def test_all_tools_that_cannot_be_used_are_told(run, write_job, emr: str, monkeypatch) -> None:
    """What each tool lacks is said at once, and what to do; one tool's jobs can be chosen."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        monkeypatch.delenv(name, raising=False)
    folder = write_job(emr, "one").parent
    write_job(emr.replace("provider: cloudformation", "provider: pulumi"), "two")
    nobody = {
        "PATH": str(folder),
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    result = run("deploy", folder, **nobody)
    assert result.exit_code == 1
    assert "error[DI704]: There are no credentials for AWS" in result.stderr
    assert "error[DI717]: The Pulumi CLI was not found." in result.stderr
    alone = run("deploy", folder, "--tool", "pulumi", **nobody)
    assert "DI717" in alone.stderr
    assert "DI704" not in alone.stderr


def test_nothing_to_deploy_is_said(run, write_job, emr: str) -> None:
    """Jobs that nobody owns are listed, and nobody is asked for credentials."""
    path = write_job(emr.replace("provider: cloudformation", "provider: manual"))
    result = run("deploy", path)
    assert result.exit_code == 0
    assert "no tool owns this job's infrastructure" in result.stderr
    assert "No job of the selection has a stack." in result.stderr
