"""The read backs are not blind: whatever is changed in an output is seen, or refused."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cases
import pytest
from read_back_cloudformation import Reader as TemplateReader
from read_back_cloudformation import read_back as read_cloudformation
from read_back_cloudformation_ecs import KINDS as TYPES
from read_back_manifests import APPLICATION
from read_back_manifests import read_back as read_manifests
from read_back_pulumi import Reader
from read_back_pulumi import read_back as read_pulumi
from read_back_pulumi_ecs import KINDS as PULUMI_TYPES
from reading import Properties, UnreadableError, comparable, same

from dativo_infra.resources.kinds import KINDS
from dativo_infra.resources.kubernetes import KubernetesObject
from dativo_infra.resources.terraform import TerraformModule
from dativo_infra.testing import Recording, Registration, Secret

if TYPE_CHECKING:
    from dativo_infra.resources import Resource

CLOUD = (
    "by-hand/test/all",
    "by-hand/test/bare",
    "by-hand/test/other",
    "variants/test/emr-groups-scaled",
    "variants/test/emr-late",
    "variants/test/emr-protected",
    "runners/test/fargate-secret",
)
KUBERNETES = (
    "variants/test/k8s-volume-ebs",
    "variants/test/k8s-secret",
    "variants/test/ray-scaled",
)
DATABRICKS = ("by-hand/test/databricks", "by-hand/test/other-clouds")
UNREAD = {"Id", "id", "namePrefix", "bucketPrefix"}
"""Names that a tool makes up or needs for itself: no resource means them."""

Change = Callable[[], object]
Edit = tuple[str, Change, Change]
"""A place inside nested data, how to edit it, and how to undo that."""


def edits(value: Any, here: Callable[[Any, Any, Any], Iterator[Edit]]) -> Iterator[Edit]:
    """Yield what `here` yields for every place inside nested data, and inside documents in it."""
    for key, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
        inner = item.value if isinstance(item, Secret) else item
        document = document_of(inner)
        if document is not None:
            for where, do, undo in edits(document, here):
                yield (
                    f"{key}.{where}",
                    lambda key=key, do=do, item=item, document=document: (
                        do(),
                        value.__setitem__(key, written(item, document)),
                    ),
                    lambda key=key, undo=undo, item=item: (undo(), value.__setitem__(key, item)),
                )
        elif isinstance(inner, dict | list):
            yield from ((f"{key}.{where}", do, undo) for where, do, undo in edits(inner, here))
        yield from here(value, key, item)


def changes(value: Any) -> Iterator[Edit]:
    """Yield for every plain value inside nested data how to change it, and how to undo that."""

    def here(value: Any, key: Any, item: Any) -> Iterator[Edit]:
        inner = item.value if isinstance(item, Secret) else item
        if document_of(inner) is None and not isinstance(inner, dict | list) and key not in UNREAD:
            yield (
                str(key),
                lambda: value.__setitem__(key, changed(item)),
                lambda: value.__setitem__(key, item),
            )

    return edits(value, here)


def document_of(value: Any) -> Any:
    """Return what stands in a text that is JSON of several values, or else None."""
    if isinstance(value, str) and value.startswith(("{", "[")):
        try:
            return json.loads(value)
        except ValueError:
            return None
    return None


def written(before: Any, document: Any) -> Any:
    """Return a document as the text that it was in, which may be a secret."""
    text = json.dumps(document)
    return Secret(text) if isinstance(before, Secret) else text


def changed(value: Any) -> Any:
    """Return another value of the same type."""
    if isinstance(value, Secret):
        return Secret(changed(value.value))
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return f"{value}x"


def seen(read: Callable[[], list[Resource]], before: Any) -> bool:
    """Return whether what is read is another than before, or cannot be read any more."""
    try:
        return [comparable(each) for each in read()] != before
    except (UnreadableError, KeyError, ValueError, TypeError, AttributeError):
        return True


class Watched:
    """What is read of one resource, as it was before anything is changed."""

    def __init__(self, read: Callable[[], Resource]) -> None:
        self._read = read
        self._before = [comparable(read())]

    def notices(self, do: Change, undo: Change) -> bool:
        """Return whether a change is seen, and undo it."""
        do()
        found = seen(lambda: [self._read()], self._before)
        undo()
        return found


def of_template(template: dict[str, Any], logical_id: str) -> Watched:
    """Return what watches one resource of a template."""
    return Watched(lambda: TemplateReader(template).resource(logical_id))


def below(recording: Recording, component: str) -> list[Registration]:
    """Return what is registered below a component."""
    return [each for each in recording if each.urn != component]


def of_registrations(recording: Recording, component: str, registration: Registration) -> Watched:
    """Return what watches the one resource that a registration is part of."""
    folded = Reader(recording, component).folded
    (key,) = (key for key, each in folded.items() if registration in each.registrations)
    return Watched(lambda: Reader(recording, component).folded[key].resource)


@pytest.mark.parametrize("name", CLOUD)
def test_every_value_of_a_template_is_read(name: str) -> None:
    """Changing any one value of any resource changes what is read back."""
    template = copy.deepcopy(cases.template(name))
    before = [comparable(each) for each in read_cloudformation(template)]
    unseen: list[str] = []
    count = 0
    for logical_id, body in template["Resources"].items():
        watched = of_template(template, logical_id)
        for where, do, undo in changes(body):
            count += 1
            if not watched.notices(do, undo):
                unseen.append(f"{logical_id}: {where}")
    assert unseen == []
    assert count > 50
    assert [comparable(each) for each in read_cloudformation(template)] == before


@pytest.mark.parametrize("name", [*CLOUD, *KUBERNETES, *DATABRICKS])
def test_every_value_of_the_registrations_is_read(name: str) -> None:
    """Changing any one input of any registration changes what is read back."""
    recording, component = part_of(name)
    before = [comparable(each) for each in read_pulumi(recording, component)]
    unseen: list[str] = []
    count = 0
    for registration in below(recording, component):
        watched = of_registrations(recording, component, registration)
        for where, do, undo in changes(registration.inputs):
            count += 1
            if not watched.notices(do, undo):
                unseen.append(f"{registration.name}: {where}")
    assert unseen == []
    assert count > 50
    assert [comparable(each) for each in read_pulumi(recording, component)] == before


MANIFESTS = (
    "by-hand/test/objects",
    "variants/test/k8s-network",
    "variants/test/k8s-volume-ebs",
)


@pytest.mark.parametrize("name", MANIFESTS)
def test_every_value_of_the_manifests_is_read(name: str) -> None:
    """Changing any one value of any file changes what is read back."""
    documents = copy.deepcopy({**cases.manifests(name)})
    before = [comparable(each) for each in read_manifests(documents)]
    unseen: list[str] = []
    count = 0
    for file, document in documents.items():
        for where, do, undo in changes(document):
            passed_over = where.startswith("sortOptions.") or file == APPLICATION
            count += 1
            do()
            if not (seen(lambda: [*read_manifests(documents)], before) or passed_over):
                unseen.append(f"{file}: {where}")
            undo()
    assert unseen == []
    assert count > 10
    assert [comparable(each) for each in read_manifests(documents)] == before


@pytest.mark.parametrize("name", MANIFESTS)
def test_no_manifest_can_be_left_out(name: str) -> None:
    """A file that is missing, or that is not listed, is refused."""
    for file in set(cases.manifests(name)):
        left = {key: value for key, value in cases.manifests(name).items() if key != file}
        with pytest.raises((UnreadableError, KeyError)):
            read_manifests(left)
    with pytest.raises(UnreadableError, match="other files"):
        read_manifests({**cases.manifests(name), "more.yaml": {}})


def test_what_manifests_leave_to_others_is_read() -> None:
    """Fields that an Application ignores are in the envelope; that no object has, are refused."""
    documents = copy.deepcopy({**cases.manifests("variants/test/k8s-plain")})
    spec = documents[APPLICATION]["spec"]
    metadata = documents["cron-job.yaml"]["metadata"]
    named = {"group": "batch", "kind": "CronJob", "jsonPointers": ["/spec/groups/0/count"]}
    spec["ignoreDifferences"] = [
        {**named, "name": metadata["name"], "namespace": metadata["namespace"]}
    ]
    with pytest.raises(UnreadableError, match="overwritten"):
        read_manifests(documents)
    spec["syncPolicy"]["syncOptions"].append("RespectIgnoreDifferences=true")
    (read,) = (each for each in read_manifests(documents) if each.lifecycle.ignore)
    assert (read.key, read.lifecycle.ignore) == ("cron-job", ("body.spec.groups[0].count",))
    spec["ignoreDifferences"][0]["name"] = "another"
    with pytest.raises(UnreadableError, match="no object"):
        read_manifests(documents)


def additions(value: Any) -> Iterator[tuple[str, Change, Change]]:
    """Yield for every mapping inside nested data how to add something, and how to undo that."""
    if isinstance(value, dict):
        yield "", lambda: value.__setitem__("Zzz", 1), lambda: value.__delitem__("Zzz")
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in list(items):
        if isinstance(item, dict | list):
            yield from ((f"{key}.{where}", do, undo) for where, do, undo in additions(item))


def test_every_kind_is_changed_here() -> None:
    """Each kind of the cloud is among what is changed in both tools, with its new choices."""
    units = [cases.unit_named("cloudformation", name) for name in CLOUD]
    found = {type(each) for unit in units for each in unit.resources}
    assert found == set(cases.OF_AWS)
    units = [cases.unit_named("pulumi", name) for name in DATABRICKS]
    elsewhere = {type(each) for unit in units for each in unit.resources} | {KubernetesObject}
    assert found | elsewhere == set(KINDS) - {TerraformModule}


@pytest.mark.parametrize("name", CLOUD)
def test_nothing_can_be_added_to_a_template(name: str) -> None:
    """One more property at any place of a resource is refused, or changes what is read back."""
    template = copy.deepcopy(cases.template(name))
    unseen: list[str] = []
    for logical_id, body in template["Resources"].items():
        watched = of_template(template, logical_id)
        for where, do, undo in additions(body["Properties"]):
            if not watched.notices(do, undo):
                unseen.append(f"{logical_id}: {where}")
    assert unseen == []


@pytest.mark.parametrize("name", [*CLOUD, *DATABRICKS])
def test_nothing_can_be_added_to_the_registrations(name: str) -> None:
    """One more input at any place of a registration is refused, or changes what is read back."""
    recording, component = part_of(name)
    unseen: list[str] = []
    for registration in below(recording, component):
        watched = of_registrations(recording, component, registration)
        for where, do, undo in additions(registration.inputs):
            if not watched.notices(do, undo):
                unseen.append(f"{registration.name}: {where}")
    assert unseen == []


DEFAULTS = {
    "DeleteOnTermination",
    "Essential",
    "Market",
    "MaximumPercent",
    "MinimumHealthyPercent",
    "State",
    "TargetCapacity",
    "TaskCount",
    "WeightedCapacity",
}
"""Properties that say what holds without them, by AWS's documentation or the provider's."""


def removals(value: Any) -> Iterator[Edit]:
    """Yield for everything inside nested data how to take it away, and how to put it back."""

    def here(value: Any, key: Any, item: Any) -> Iterator[Edit]:
        back = value.__setitem__ if isinstance(value, dict) else value.insert
        yield str(key), lambda: value.__delitem__(key), lambda: back(key, item)

    return edits(value, here)


def says_a_default(where: str) -> bool:
    """Return whether a property is one that may be left out, or a name that the tool makes up."""
    name = where.rpartition(".")[2]
    return name in UNREAD or name[:1].upper() + name[1:] in DEFAULTS


def test_nothing_can_be_left_out_of_a_template() -> None:
    """Taking away any one thing of what runs tasks is refused, or changes what is read back."""
    template = copy.deepcopy(cases.template(CLOUD[0]))
    unseen: list[str] = []
    for logical_id, body in template["Resources"].items():
        watched = of_template(template, logical_id)
        for where, do, undo in removals(body["Properties"]) if body["Type"] in TYPES else ():
            if not (watched.notices(do, undo) or says_a_default(where)):
                unseen.append(f"{logical_id}: {where}")
    assert unseen == []


def test_nothing_can_be_left_out_of_the_registrations() -> None:
    """Taking away any one input of what runs tasks is refused, or changes what is read back."""
    recording, component = part_of(CLOUD[0])
    unseen: list[str] = []
    for registration in below(recording, component):
        watched = of_registrations(recording, component, registration)
        parts = removals(registration.inputs) if registration.type in PULUMI_TYPES else ()
        for where, do, undo in parts:
            if not (watched.notices(do, undo) or says_a_default(where)):
                unseen.append(f"{registration.name}: {where}")
    assert unseen == []


def test_a_script_is_read_from_its_encoding() -> None:
    """One character of a machine's script that changes changes what is read back."""
    recording, component = part_of("by-hand/test/bare")
    before = [comparable(each) for each in read_pulumi(recording, component)]
    inputs: Any = recording.one("aws:ec2/launchTemplate:LaunchTemplate").inputs
    script = base64.b64decode(inputs["userData"])
    inputs["userData"] = base64.b64encode(script.replace(b"bash", b"dash")).decode()
    after = [comparable(each) for each in read_pulumi(recording, component)]
    assert before != after
    (read,) = (each for each in after if each["key"] == "launch-template")
    assert read["user_data"] == "#!/bin/dash\n"


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
