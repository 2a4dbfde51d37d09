"""From tokens to outputs, and where the values of parameters come from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pulumi
import pytest

from dativo_infra.adapters.pulumi.values import SETTINGS, Resolver, given, needed
from dativo_infra.diagnostics import DiagnosticError
from dativo_infra.resources.emr import EmrCluster, InstanceGroup
from dativo_infra.resources.s3 import S3Bucket
from dativo_infra.testing import Recording, Secret, record
from dativo_infra.values import Concat, Parameter, Pseudo, Ref, Select, Split

if TYPE_CHECKING:
    from collections.abc import Callable

BUCKET = S3Bucket(key="logs", tags={})


def resolved(
    value: Any, parameters: Callable[[], dict[str, Any]] = dict, *, as_json: bool = False
) -> Recording:
    """Resolve a value beside a bucket, and export it."""

    def program() -> None:
        import pulumi_aws as aws

        component = pulumi.ComponentResource("test:index:Component", "component")
        resolver = Resolver(component, parameters())
        opts = pulumi.ResourceOptions(parent=component)
        resolver.register(BUCKET, [aws.s3.Bucket("logs", opts=opts)])
        pulumi.export("value", resolver.json(value) if as_json else resolver.value(value))

    return record(program)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("plain", "plain"),
        ({"a": ["b", 1, True, None]}, {"a": ["b", 1, True, None]}),
        (Ref("logs", "name"), "<logs.bucket>"),
        (Ref("logs", "arn"), "<logs.arn>"),
        (Parameter("HOST"), "host"),
        (Pseudo("account_id"), "123456789012"),
        (Pseudo("region"), "us-east-1"),
        (Pseudo("partition"), "aws"),
        (Concat(("s3://", Ref("logs", "name"), "/a")), "s3://<logs.bucket>/a"),
        (Concat(("a", "b")), "ab"),
        (Concat(("http://", Parameter("HOST"))), "http://host"),
        (Split(",", Parameter("LATER")), ["a", "b"]),
        (Split(",", "a,b"), ["a", "b"]),
        (Select(Parameter("LIST"), 1), "y"),
        (Select(["x", Ref("logs", "name")], 1), "<logs.bucket>"),
        (Select(Split(",", Parameter("LATER")), 1), "b"),
        ({"deep": [{"in": Ref("logs", "arn")}]}, {"deep": [{"in": "<logs.arn>"}]}),
    ],
    ids=repr,
)
def test_each_token_has_a_value(value: Any, wanted: Any) -> None:
    """Every token becomes text, a list, or an output of one."""

    def parameters() -> dict[str, Any]:
        later = pulumi.Output.from_input
        return {"HOST": "host", "LATER": later("a,b"), "LIST": later(["x", "y"])}

    assert resolved(value, parameters).exports.get("value") == wanted


def test_json_waits_only_where_it_must() -> None:
    """A document without outputs is plain text; one with outputs is text once they are known."""
    resolver = Resolver(pulumi.Resource.__new__(pulumi.Resource), {"HOST": "host"})
    assert resolver.json({"a": Parameter("HOST")}) == '{"a": "host"}'
    document = {"Resource": [Concat((Ref("logs", "arn"), "/*"))]}
    exported = resolved(document, as_json=True).exports["value"]
    assert json.loads(exported) == {"Resource": ["<logs.arn>/*"]}


def test_a_document_with_a_secret_is_secret() -> None:
    """A secret makes secret what it is put into."""

    def parameters() -> dict[str, Any]:
        return {"KEY": pulumi.Output.secret("hush")}

    exported = resolved({"key": Parameter("KEY", "secret")}, parameters, as_json=True).exports
    assert exported["value"] == Secret('{"key": "hush"}')
    text = resolved(Concat(("k=", Parameter("KEY", "secret"))), parameters).exports["value"]
    assert text == Secret("k=hush")


def test_facts_are_asked_once_and_of_the_components_provider() -> None:
    """The account is that of the explicit provider, not of the default one."""

    def program() -> None:
        import pulumi_aws as aws

        provider = aws.Provider("other", region="eu-west-1")
        opts = pulumi.ResourceOptions(providers=[provider])
        resolver = Resolver(pulumi.ComponentResource("t:index:T", "t", None, opts), {})
        resolver.value([Pseudo("account_id"), Pseudo("account_id")])

    (call,) = record(program).calls
    assert call.provider.endswith("::other")


def test_parameters_come_from_the_program_then_the_stack_then_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The nearer place wins."""
    for name in ("A", "B", "C"):
        monkeypatch.setenv(name, "environment")

    def program() -> None:
        wanted = [{"a": Parameter("A"), "b": Parameter("B"), "c": Parameter("C")}]
        assert given(wanted, {"A": "program"}) == {"A": "program", "B": "stack", "C": "environment"}

    record(program, config={"A": "stack", "B": "stack"})


def test_settings_of_the_stack_are_no_parameters() -> None:
    """They say what is built; a variable of such a name comes from elsewhere."""

    def program() -> None:
        wanted = [Parameter(name) for name in sorted(SETTINGS)]
        assert set(given(wanted, dict.fromkeys(SETTINGS, "program")).values()) == {"program"}
        given(wanted, {})

    config = dict.fromkeys(SETTINGS, "stack")
    with pytest.raises(DiagnosticError) as caught:
        record(program, config=config)
    assert len(caught.value.diagnostics) == len(SETTINGS)
    assert "pulumi config" not in str(caught.value)


def test_secret_parameters_stay_secret() -> None:
    """Whether the job or the stack says that it is one."""

    def program() -> None:
        found = given([Parameter("API_KEY", "secret"), Parameter("HOST")], {"API_KEY": "hush"})
        pulumi.export("found", found)

    exports = record(program, secrets={"HOST": "internal"}).exports
    assert exports["found"] == Secret({"API_KEY": "hush", "HOST": "internal"}) or exports[
        "found"
    ] == {"API_KEY": Secret("hush"), "HOST": Secret("internal")}


def test_a_list_parameter_is_read_at_its_commas() -> None:
    """Configuration and environment hold text alone."""

    def program() -> None:
        assert given([Parameter("IDS", "list")], {}) == {"IDS": ["a", "b"]}
        assert given([Parameter("IDS", "list")], {"IDS": ["c"]}) == {"IDS": ["c"]}

    record(program, config={"IDS": "a,b"})


def test_all_missing_parameters_are_named_at_once() -> None:
    """Nobody has to deploy twice to learn of the second one."""

    def program() -> None:
        given([[Parameter("FIRST"), Parameter("API_KEY", "secret")]], {})

    with pytest.raises(DiagnosticError) as caught:
        record(program)
    assert [each.code for each in caught.value.diagnostics] == ["DI701", "DI701"]
    assert "FIRST" in str(caught.value)
    assert "pulumi config set --secret API_KEY" in str(caught.value)


def test_what_a_resource_needs_is_found_in_its_parts() -> None:
    """References count wherever they stand, in nested descriptions too."""
    resource = EmrCluster(
        key="cluster",
        name="name",
        release_label="emr-7.10.0",
        applications=(),
        service_role=Ref("role", "arn"),
        instance_profile="profile",
        subnet_ids=(Select((Ref("subnets", "id"),), 0),),
        primary=InstanceGroup(instance_type=Ref("kind", "name"), instance_count=1),
        core=InstanceGroup(instance_type="m5.xlarge", instance_count=1),
        log_uri=Concat(("s3://", Ref("logs", "name"))),
        tags={"of": Ref("tagged", "name")},
        after=("policy",),
    )
    assert set(needed(resource)) == {"role", "subnets", "kind", "logs", "tagged", "policy"}
