"""Recording a program without an engine."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pulumi
import pytest

from dativo_infra.testing import DuplicateUrnError, Recorder, Secret, Unknown, record

ROLE = "aws:iam/role:Role"


def _role(called: str, opts: pulumi.ResourceOptions | None = None, **inputs: Any) -> Any:
    import pulumi_aws as aws

    return aws.iam.Role(called, assume_role_policy="{}", opts=opts, **inputs)


def test_inputs_and_options_are_kept() -> None:
    """All that an engine would be told is there, unlike under Pulumi's own mocks."""

    def program() -> None:
        first = _role("first")
        options = pulumi.ResourceOptions(
            depends_on=[first],
            protect=True,
            retain_on_delete=True,
            delete_before_replace=True,
            ignore_changes=["description"],
            aliases=[pulumi.Alias(name="former")],
        )
        _role("second", options, description="two", tags={"a": "b"})

    recording = record(program)
    first, second = recording.one(ROLE, "first"), recording.one(ROLE, "second")
    assert second.inputs == {"assumeRolePolicy": "{}", "description": "two", "tags": {"a": "b"}}
    assert second.dependencies == (first.urn,)
    assert second.protect
    assert second.retain_on_delete
    assert second.delete_before_replace
    assert second.ignore_changes == ("description",)
    assert second.aliases[0]["spec"]["name"] == "former"
    assert not first.protect
    assert len(recording) == 2


def test_outputs_are_sentinels() -> None:
    """A reference can be read back, and an output that was given as an input stays."""

    def program() -> None:
        given, made = _role("given", name="mine"), _role("made")
        pulumi.export("names", [given.name, made.name, made.id])
        pulumi.export("arn", made.arn)

    exports = record(program).exports
    assert exports == {"names": ["mine", "<made.name>", "<made.id>"], "arn": "<made.arn>"}


def test_outputs_can_be_chosen() -> None:
    """Programs that take an output apart get one of the right form."""

    def program() -> None:
        arn = _role("machines").arn
        pulumi.export("account", arn.apply(lambda known: known.split(":")[4]))

    outputs = {"machines": {"arn": "arn:aws:iam::123456789012:role/machines"}}
    assert record(program, outputs=outputs).exports == {"account": "123456789012"}


def test_a_preview_knows_no_outputs() -> None:
    """Before the first deployment what depends on an output is unknown."""

    def program() -> None:
        _role("second", description=_role("first").arn)

    assert record(program, preview=True).one(ROLE, "second").inputs["description"] == Unknown()


def test_secrets_are_marked() -> None:
    """A secret does not pass as plain text."""

    def program() -> None:
        secret = pulumi.Config().require_secret("password")
        _role("role", description=secret)
        pulumi.export("secret", secret)

    recording = record(program, secrets={"password": "hush"})
    assert recording.one(ROLE).inputs["description"] == Secret("hush")
    assert recording.exports == {"secret": Secret("hush")}


def test_two_resources_of_one_urn_are_refused() -> None:
    """Pulumi's own mocks overwrite the first with the second."""

    def program() -> None:
        _role("twin")
        _role("twin")

    with pytest.raises(DuplicateUrnError, match="twin"):
        record(program)


def test_equal_names_below_different_parents_are_not_one_urn() -> None:
    """The types of the parents are part of the URN, as in an engine."""

    def program() -> None:
        for kind in ("a:index:A", "a:index:B"):
            parent = pulumi.ComponentResource(kind, "parent")
            _role("role", pulumi.ResourceOptions(parent=parent))

    recording = record(program)
    assert [each.urn.split("::")[2] for each in recording.of_type(ROLE)] == [
        f"a:index:A${ROLE}",
        f"a:index:B${ROLE}",
    ]
    (parent, *_) = recording.of_type("a:index:A")
    assert [each.type for each in recording.children(parent)] == [ROLE]


def test_functions_of_providers_are_answered() -> None:
    """The account, region and partition are known; another function needs an answer."""
    import pulumi_aws as aws

    def program() -> None:
        pulumi.export("account", aws.get_caller_identity_output().account_id)
        pulumi.export("region", aws.get_region_output().region)
        pulumi.export("zone", aws.get_availability_zones_output().names[0])

    zones = "aws:index/getAvailabilityZones:getAvailabilityZones"
    recording = record(program, calls={zones: {"names": ["a", "b"]}})
    assert recording.exports == {"account": "123456789012", "region": "us-east-1", "zone": "a"}
    assert zones in {each.token for each in recording.calls}
    with pytest.raises(LookupError, match="getAvailabilityZones"):
        record(program)


def test_a_resource_that_exists_can_be_read() -> None:
    """`get` gives sentinels too, and registers nothing."""
    import pulumi_aws as aws

    def program() -> None:
        pulumi.export("arn", aws.iam.Role.get("there", "some-id").arn)

    recording = record(program)
    assert recording.exports == {"arn": "<there.arn>"}
    assert len(recording) == 0


def test_an_asynchronous_program_runs() -> None:
    """A program may be a coroutine."""

    async def program() -> None:
        await asyncio.sleep(0)
        _role("role")

    assert record(program).one(ROLE).name == "role"


def test_messages_are_kept() -> None:
    """What the program logs is part of the recording."""
    assert record(lambda: pulumi.log.info("built 3")).messages == ("built 3",)


def test_a_program_sees_its_surroundings() -> None:
    """Project, stack, folder and configuration are what they were said to be."""
    seen: list[Any] = []

    def program() -> None:
        config = pulumi.Config()
        seen.extend([pulumi.get_project(), pulumi.get_stack(), pulumi.get_root_directory()])
        seen.extend([config.require_object("jobs"), pulumi.Config("aws").require("region")])

    config = {"jobs": ["a", "b"], "aws:region": "eu-west-1"}
    root = Path("/somewhere")
    record(program, project="p", stack="s", config=config, root_directory=root)
    assert seen == ["p", "s", "/somewhere", ["a", "b"], "eu-west-1"]


def test_nothing_leaks() -> None:
    """Each recording begins anew, after a failure too, and equal programs give equal recordings."""

    def program() -> None:
        for index in range(20):
            _role(f"role-{index}")

    def broken() -> None:
        program()
        raise ValueError("broken")

    before = pulumi.get_stack(), pulumi.runtime.get_root_resource()
    first = record(program, stack="other", config={"a": "b"})
    with pytest.raises(ValueError, match="broken"):
        record(broken)
    assert record(program, stack="other", config={"a": "b"}) == first
    assert (pulumi.get_stack(), pulumi.runtime.get_root_resource()) == before
    assert pulumi.runtime.get_config("project:a") is None


def test_the_order_is_that_of_the_tree() -> None:
    """Parents come before their children, whatever thread was first."""

    def program() -> None:
        for name in ("b", "a"):
            parent = pulumi.ComponentResource("t:index:T", name)
            _role(f"{name}-role", pulumi.ResourceOptions(parent=parent))

    assert [each.name for each in record(program)] == ["a", "a-role", "b", "b-role"]


def test_one_wants_exactly_one() -> None:
    """A test that looks for a resource which is not there, or is there twice, says so."""

    def program() -> None:
        _role("a")
        _role("b")

    recording = record(program)
    with pytest.raises(LookupError, match="2 resources"):
        recording.one(ROLE)
    with pytest.raises(LookupError, match="0 resources"):
        recording.one(ROLE, "c")


def test_the_monitor_serves_pulumis_own_mocks() -> None:
    """It can be given to `set_mocks`, where a test is written in that way."""
    recorder = Recorder()

    def program() -> None:
        pulumi.runtime.set_mocks(recorder.mocks, monitor=recorder)
        _role("role")

    record(program)
    assert recorder.recording().one(ROLE).name == "role"
