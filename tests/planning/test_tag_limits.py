"""What each cloud allows for tags, and where that holds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dativo_infra.diagnostics import rules
from dativo_infra.planning import plan, tags

BAD, LABEL, TAKEN = rules.BAD_TAG.code, rules.TAG_IN_LABEL.code, rules.RESERVED_TAG.code
ODD = {
    "": "empty",
    "aws:x": "v",
    "k;": "v",
    "K": "v" * 300,
    "k": "v",
    "microsoft": "v",
    **{f"n{number}": "v" for number in range(60)},
}
"""Tags of which each cloud refuses some."""


def found(make: Any, platform: str, cloud: str, own: dict[str, str], **project: Any) -> set[str]:
    """Return the codes about tags of a job that a tool owns, on a platform of a cloud."""
    fields = {"provider": "terraform", "runtime.platform": platform, "metadata.tags": own}
    loaded = make.project(targets={"main": {"cloud": cloud}}, **project)
    return {BAD, LABEL, TAKEN} & make.codes(make.job(fields), project=loaded).keys()


@pytest.mark.parametrize("cloud", ["aws", "gcp", "azure"])
@pytest.mark.parametrize("platform", ["kubernetes", "spark", "ray", "dask"])
def test_in_a_cluster_no_cloud_has_a_say(make: Any, platform: str, cloud: str) -> None:
    """Tags of objects in a cluster are labels and annotations: nothing is refused."""
    assert not found(make, platform, cloud, ODD)
    assert found(make, platform, cloud, {"Dativo:Job": "x"}) == {TAKEN}


@pytest.mark.parametrize(
    ("cloud", "own", "codes"),
    [
        ("aws", {"Owner": "data@acme.example", "a/b": "c"}, set()),
        ("aws", {"a;b": "c"}, {BAD}),
        ("azure", {"Owner": "a/b <c>", "a;b": "größe"}, set()),
        ("azure", {"k" * 512: "v" * 256}, set()),
        ("azure", {"k" * 513: "v"}, {BAD}),
        ("azure", {"k": "v" * 257}, {BAD}),
        ("azure", {"a/b": "c"}, {BAD}),
        ("azure", {"a\\b": "c"}, {BAD}),
        ("azure", {"Windows-Team": "c"}, {BAD}),
        ("azure", {"k": "名前"}, {BAD}),
        ("azure", {"Owner": "a", "owner": "b"}, {BAD}),
        ("gcp", {"Owner": "Data Team", "cost_center": ""}, set()),
        ("gcp", {"Owner": "a", "owner": "b"}, {LABEL}),
        ("gcp", {"cost:center": "a", "costcenter": "b"}, {LABEL}),
        ("gcp", {"k" * 64: "v"}, {LABEL}),
        ("gcp", {"k": "v" * 64}, {LABEL}),
        ("gcp", {"k": "v." * 63}, set()),
        ("gcp", {"1k": "v"}, {LABEL}),
        ("gcp", {"...": "v"}, {LABEL}),
        ("gcp", {"k": "名前"}, {BAD}),
        *((cloud, {"": "x"}, {BAD}) for cloud in ("aws", "azure")),
    ],
)
def test_databricks(make: Any, cloud: str, own: dict[str, str], codes: set[str]) -> None:
    """Databricks passes tags on to its cloud, whose rules hold beside its own.

    What Google Cloud cannot have as a label is lost there alone: a warning.
    """
    assert found(make, "databricks", cloud, own) == codes


def test_identity_tags_are_legal_everywhere(make: Any) -> None:
    """The identity tags pass as they are; renamed, they are judged by the cloud of each job."""
    for cloud in ("aws", "gcp", "azure"):
        assert not found(make, "databricks", cloud, {})
    renamed = {"tags": {"identity": {"tenant": "team/tenant"}}}
    assert found(make, "databricks", "azure", {}, **renamed) == {BAD}
    assert not found(make, "databricks", "aws", {}, **renamed)


@given(st.text(), st.text())
def test_labels_are_of_legal_characters(key: str, value: str) -> None:
    """What Databricks makes of a tag has the characters of a label, and is made but once."""
    labels = tags.DATABRICKS_ON_GCP.labels
    assert labels
    for text in (key, value):
        label = labels.render(text)
        assert set(label) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")
        assert labels.render(label) == label


def test_a_module_elsewhere_is_not_judged(make: Any) -> None:
    """Tags of a job without a platform on another cloud than AWS are its module's to judge."""
    module = {"provider": "terraform", "terraform.module_source": "./modules/x"}
    fields = {**module, "metadata.tags": {"a;b": "c"}}
    assert BAD in make.codes(make.job(fields))
    project = make.project(targets={"main": {"cloud": "gcp"}})
    assert not plan([make.job(fields)], project).failed
