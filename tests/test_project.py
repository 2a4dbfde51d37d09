"""The project file."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

from dativo_infra.loading import load_document, load_project
from dativo_infra.names import Identity
from dativo_infra.project import AMBIENT, EDITIONS, Project, project_schema


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)


def write(text: str) -> None:
    """Write a project file to the current folder."""
    Path("dativo-infra.yaml").write_text(text)


FULL = """\
name: data.fleet-1
edition: "2026-11"
targets:
  sandbox:
    select: {tenant: "acme*", environment: dev}
    account: "111111111111"
    region: eu-west-1
  special:
    select: {path: "special/*.yaml"}
    cloud: gcp
    kubernetes_context: special
  rest:
    region: us-east-1
tags:
  required: {CostCenter: [], Owner: [a, b]}
  identity: {job: Job}
silence: [DI208, DI205]
"""


def test_everything_is_read():
    """Each field of the project file is read."""
    write(FULL)
    loaded, diagnostics = load_project(near=["."])
    assert diagnostics == ()
    project = loaded.project
    assert loaded.source.file == "dativo-infra.yaml"
    assert project.name == "data.fleet-1"
    assert project.edition == "2026-11"
    assert project.targets["sandbox"].account == "111111111111"
    assert project.tags.required == {"CostCenter": (), "Owner": ("a", "b")}
    assert project.identity_keys() == ("dativo:tenant", "dativo:environment", "Job")
    assert project.silence == ("DI208", "DI205")


def test_without_a_file():
    """Without a project file the defaults hold, and every job's target is the tool's own."""
    loaded, diagnostics = load_project(near=["."])
    assert (loaded.project, diagnostics) == (Project(), ())
    assert loaded.project.edition == EDITIONS[-1]


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "{}\n"])
def test_an_empty_file_is_a_project(text: str):
    """A project file without settings is one with the defaults."""
    write(text)
    loaded, diagnostics = load_project(near=["."])
    assert (loaded.project, diagnostics) == (Project(), ())
    assert loaded.source.file == "dativo-infra.yaml"


@pytest.mark.parametrize(
    ("identity", "path", "target"),
    [
        (Identity("acme", "dev", "x"), "a.yaml", "sandbox"),
        (Identity("acme2", "dev", "x"), "special/a.yaml", "sandbox"),
        (Identity("acme", "prod", "x"), "special/a.yaml", "special"),
        (Identity("Acme", "dev", "x"), "a.yaml", "rest"),
    ],
)
def test_targets(identity: Identity, path: str, target: str):
    """A job's target is the first whose selector matches in all that it says."""
    write(FULL)
    project = load_project(near=["."])[0].project
    document = {
        "tenant_id": identity.tenant,
        "environment": identity.environment,
        "source_connector_path": "s",
        "target_connector_path": "t",
        "asset_path": "a",
    }
    (job,) = load_document(document, name=identity.name, environment={}).jobs
    assert project.target_of(job, path).name == target
    assert Project().target_of(job, path) is AMBIENT


@pytest.mark.parametrize(
    ("text", "code", "place", "words"),
    [
        ("edition: '1999'\n", "DI404", "1:10", EDITIONS[-1]),
        ("silence: [DI208, DI201]\n", "DI403", "1:18", "is the code of an error"),
        ("silence: [DI999]\n", "DI403", "1:11", "is no code"),
        ("name: data fleet\n", "DI204", "1:7", "A-Za-z0-9._-"),
        ("name: 5\n", "DI202", "1:7", "text"),
        ("silence: DI208\n", "DI202", "1:10", "must be a list, not text"),
        ("regoin: x\n", "DI205", "1:1", "not known"),
        ("tags: {requird: {}}\n", "DI205", "1:8", "Did you mean `required`?"),
        ("targets: {a: {regoin: x}}\n", "DI205", "1:15", "Did you mean `region`?"),
        ("targets: {a: {select: {tenat: x}}}\n", "DI205", "1:24", "Did you mean `tenant`?"),
        ("targets: {a: {account: 123456789012}}\n", "DI202", "1:24", "quotes"),
        ("targets: {a: {account: '1234'}}\n", "DI407", "1:24", "twelve digits"),
        ("targets: {a: {account: data-prod, cloud: aws}}\n", "DI407", "1:24", "twelve digits"),
        ("targets: {a: {account: '123456789012', cloud: gcp}}\n", "DI407", "1:24", "a Google"),
        ("targets: {a: {account: data-prod, cloud: azure}}\n", "DI407", "1:24", "a UUID"),
        ("targets: {a: {cloud: asw}}\n", "DI203", "1:22", "Did you mean `aws`?"),
        ("targets: {a: }\n", "DI202", "1:14", "must be a mapping"),
        ("tags: {identity: {name: x}}\n", "DI203", "1:19", "tenant, environment, job"),
        ("tags: {required: {a: x}}\n", "DI202", "1:22", "must be a list"),
        ("- a\n", "DI202", "1:1", "must be a mapping"),
        ("a: 1\na: 2\n", "DI104", "2:1", "written twice"),
        ("a: [\n", "DI103", "2:1", "Not valid YAML"),
    ],
)
def test_mistakes(text: str, code: str, place: str, words: str):
    """A mistake in the project file is an error at its place, and the defaults hold."""
    write(text)
    _, (diagnostic,) = load_project(near=["."])
    assert diagnostic.severity == "error"
    assert (diagnostic.code, str(diagnostic.location)) == (code, f"dativo-infra.yaml:{place}")
    assert words in f"{diagnostic.message} {diagnostic.remedy}"


def test_several_mistakes():
    """All mistakes of the file are reported at once."""
    write("editon: x\ntargets: {a: {cloud: x, region: 1}}\n")
    _, diagnostics = load_project(near=["."])
    assert [each.code for each in diagnostics] == ["DI205", "DI203", "DI202"]


def test_a_file_that_is_not_there():
    """A project file that is named and missing is an error."""
    assert [each.code for each in load_project("missing.yaml")[1]] == ["DI101"]


ACCOUNTS = {
    "aws": "123456789012",
    "gcp": "data-prod",
    "azure": "3b1f6a2c-9d48-4e07-8a15-6c0d2e9f7b34",
}


@pytest.mark.parametrize("account", [*ACCOUNTS.values(), "1234", "x"])
@pytest.mark.parametrize("cloud", [None, *ACCOUNTS])
def test_accounts(cloud: str | None, account: str):
    """An account has the form of the target's cloud, or of any; the schema says the same."""
    content = {"account": account, **({"cloud": cloud} if cloud else {})}
    good = account in (ACCOUNTS.values() if cloud is None else [ACCOUNTS[cloud]])
    project = {"targets": {"a": content}}
    schema = jsonschema.Draft202012Validator(project_schema())
    try:
        Project.model_validate(project)
    except ValidationError:
        assert not good
    else:
        assert good
    assert schema.is_valid(project) is good


@pytest.mark.parametrize(
    ("content", "cloud"),
    [
        ({}, None),
        ({"cloud": "azure"}, "azure"),
        ({"account": ACCOUNTS["aws"]}, "aws"),
        ({"account": ACCOUNTS["gcp"], "region": "us-east-1"}, "gcp"),
        ({"account": ACCOUNTS["azure"].upper()}, "azure"),
        ({"region": "eu-central-1"}, "aws"),
        ({"region": "us-gov-west-1"}, "aws"),
        ({"region": "northamerica-northeast1"}, "gcp"),
        ({"region": "westeurope"}, None),
        ({"kubernetes_context": "arn:aws:eks:us-east-1:123456789012:cluster/data"}, "aws"),
        ({"kubernetes_context": "gke_data-prod_europe-west3_data"}, "gcp"),
        ({"kubernetes_context": "data"}, None),
        ({"cloud": "aws", "kubernetes_context": "gke_data-prod_europe-west3_data"}, "aws"),
    ],
    ids=str,
)
def test_the_cloud_of_a_target(content: dict[str, str], cloud: str | None):
    """A target that does not say its cloud has the one that its other facts tell, or none."""
    target = Project.model_validate({"targets": {"a": content}}).targets["a"]
    assert target.place("a").cloud == cloud


def test_schema():
    """The schema of the project file is valid, and accepts what is accepted."""
    jsonschema.Draft202012Validator.check_schema(dict(project_schema()))
    assert jsonschema.Draft202012Validator(project_schema()).is_valid({"edition": "2026-11"})
    assert not jsonschema.Draft202012Validator(project_schema()).is_valid({"editon": "2026-11"})
