"""The read backs are not blind: whatever is changed in an output is seen, or refused."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cases
import pytest
from read_back_cloudformation import read_back as read_cloudformation
from read_back_pulumi import read_back as read_pulumi
from reading import Properties, UnreadableError, comparable, same

from dativo_infra.testing import Recording, Secret

if TYPE_CHECKING:
    from dativo_infra.resources import Resource

CLOUD = ("by-hand/test/all", "variants/test/emr-groups-scaled", "variants/test/emr-late")
KUBERNETES = ("variants/test/k8s-volume-ebs", "variants/test/k8s-secret")
UNREAD = {"Id", "id", "namePrefix", "bucketPrefix"}
"""Names that a tool makes up or needs for itself: no resource means them."""

Change = Callable[[], None]


def changes(value: Any) -> Iterator[tuple[str, Change, Change]]:
    """Yield for every plain value inside nested data how to change it, and how to undo that."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in list(items):
        inner = item.value if isinstance(item, Secret) else item
        if isinstance(inner, dict | list):
            yield from ((f"{key}.{where}", do, undo) for where, do, undo in changes(inner))
        elif key not in UNREAD:
            yield (
                str(key),
                lambda key=key, item=item: value.__setitem__(key, changed(item)),
                lambda key=key, item=item: value.__setitem__(key, item),
            )


def changed(value: Any) -> Any:
    """Return another value of the same type."""
    if isinstance(value, Secret):
        return Secret(changed(value.value))
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    # A document inside a text must stay one that can be read.
    return value.replace(': "', ': "x', 1) if value.startswith('{"') else f"{value}x"


def seen(read: Callable[[], list[Resource]], before: Any) -> bool:
    """Return whether what is read is another than before, or cannot be read any more."""
    try:
        return [comparable(each) for each in read()] != before
    except (UnreadableError, KeyError, ValueError, TypeError, AttributeError):
        return True


@pytest.mark.parametrize("name", CLOUD)
def test_every_value_of_a_template_is_read(name: str) -> None:
    """Changing any one value of any resource changes what is read back."""
    template = copy.deepcopy(cases.template(name))
    before = [comparable(each) for each in read_cloudformation(template)]
    unseen: list[str] = []
    count = 0
    for where, do, undo in changes(template["Resources"]):
        count += 1
        do()
        if not seen(lambda: read_cloudformation(template), before):
            unseen.append(where)
        undo()
    assert unseen == []
    assert count > 50
    assert [comparable(each) for each in read_cloudformation(template)] == before


@pytest.mark.parametrize("name", [*CLOUD, *KUBERNETES])
def test_every_value_of_the_registrations_is_read(name: str) -> None:
    """Changing any one input of any registration changes what is read back."""
    recording, component = part_of(name)
    before = [comparable(each) for each in read_pulumi(recording, component)]
    unseen: list[str] = []
    count = 0
    for registration in recording:
        inputs: Any = registration.inputs
        for where, do, undo in changes(inputs):
            count += 1
            do()
            if not seen(lambda: read_pulumi(recording, component), before):
                unseen.append(f"{registration.name}: {where}")
            undo()
    assert unseen == []
    assert count > 50
    assert [comparable(each) for each in read_pulumi(recording, component)] == before


def part_of(name: str) -> tuple[Recording, str]:
    """Return a copy of what is registered for one unit, and the URN of its component."""
    unit = cases.unit_named("pulumi", name)
    component = cases.component_of(unit, cases.recording())
    below = {component}
    for each in cases.recording():
        if each.parent in below:
            below.add(each.urn)
    kept = tuple(each for each in cases.recording() if each.urn in below)
    return replace(cases.recording(), registrations=copy.deepcopy(kept)), component


@pytest.mark.parametrize(
    "option",
    [
        {"protect": True},
        {"retain_on_delete": True},
        {"delete_before_replace": True},
        {"ignore_changes": ("description",)},
    ],
    ids=lambda option: next(iter(option)),
)
def test_every_option_of_a_registration_is_read(option: dict[str, Any]) -> None:
    """Options that are no inputs are read into the envelope."""
    recording, component = part_of("variants/test/emr-groups")
    before = [comparable(each) for each in read_pulumi(recording, component)]
    edited = tuple(
        replace(each, **option) if each.name.endswith("-role") else each for each in recording
    )
    assert seen(lambda: read_pulumi(replace(recording, registrations=edited), component), before)


def test_a_registration_that_is_missing_is_seen() -> None:
    """No registration can be left out, whatever resource it is a part of."""
    recording, component = part_of("by-hand/test/all")
    before = [comparable(each) for each in read_pulumi(recording, component)]
    for left_out in recording:
        if left_out.urn != component:
            kept = tuple(each for each in recording if each is not left_out)
            rest = replace(recording, registrations=kept)
            assert seen(lambda rest=rest: read_pulumi(rest, component), before), left_out.urn


def test_a_policy_of_deletion_is_read() -> None:
    """A template that keeps a resource in one case alone is refused."""
    template = copy.deepcopy(cases.template("variants/test/emr-groups"))
    before = [comparable(each) for each in read_cloudformation(template)]
    del template["Resources"]["LogBucket"]["UpdateReplacePolicy"]
    assert seen(lambda: read_cloudformation(template), before)
    del template["Resources"]["LogBucket"]["DeletionPolicy"]
    assert seen(lambda: read_cloudformation(template), before)
    assert [
        each.lifecycle.retain for each in read_cloudformation(template) if each.key == "log-bucket"
    ] == [False]


def test_what_is_not_understood_is_refused() -> None:
    """A property that no resource means is an error of the read back, not passed over."""
    template = copy.deepcopy(cases.template("variants/test/emr-groups"))
    template["Resources"]["LogBucket"]["Properties"]["VersioningConfiguration"] = {}
    with pytest.raises(UnreadableError, match="VersioningConfiguration"):
        read_cloudformation(template)
    with pytest.raises(UnreadableError, match="no x"):
        Properties("here", {}).take("x")
    with pytest.raises(UnreadableError, match="disagree"):
        same("they", 1, 2)
