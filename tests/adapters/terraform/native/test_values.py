"""Tokens and texts in Terraform's form."""

from __future__ import annotations

from typing import Any

import pytest

from dativo_infra.adapters.terraform.native.values import (
    ATTRIBUTES,
    TYPES,
    Values,
    label,
    variable_name,
)
from dativo_infra.resources.iam import IamRole
from dativo_infra.resources.kinds import KINDS
from dativo_infra.resources.kubernetes import KubernetesObject
from dativo_infra.resources.s3 import S3Bucket
from dativo_infra.resources.terraform import TerraformModule
from dativo_infra.values import Concat, Parameter, Pseudo, Ref, Select, Split

BUCKET = S3Bucket(key="log-bucket", tags={})
STAGE = Parameter("STAGE")
NAMES = Parameter("NAMES", "list")


def lower(value: Any) -> Any:
    """Return a value in the JSON syntax."""
    return Values([BUCKET]).lower(value)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("plain", "plain"),
        (7, 7),
        (True, True),
        (STAGE, "${var.stage}"),
        (Ref("log-bucket", "name"), "${aws_s3_bucket.log_bucket.bucket}"),
        (Pseudo("region"), "${data.aws_region.current.region}"),
        (Concat(("at ", STAGE, "!")), "at ${var.stage}!"),
        (Split("/", STAGE), '${split("/", var.stage)}'),
        (Select(NAMES, 1), "${var.names[1]}"),
        (Select(Split("/", STAGE), 0), '${split("/", var.stage)[0]}'),
        (Select(Split("/", STAGE), -1), '${reverse(split("/", var.stage))[0]}'),
        (Split("/", Concat(("${", STAGE))), '${split("/", "$${${var.stage}")}'),
        ((STAGE, {"a": [STAGE]}), ["${var.stage}", {"a": ["${var.stage}"]}]),
    ],
)
def test_forms(value: Any, wanted: Any) -> None:
    """Each token is an interpolation, alone or inside nested data; what is plain stays."""
    assert lower(value) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("${HOME}", "$${HOME}"),
        ("$${HOME}", "$$${HOME}"),
        ("%{ if x }", "%%{ if x }"),
        ("$HOME and 100 %", "$HOME and 100 %"),
    ],
)
def test_nothing_plain_is_evaluated(text: str, wanted: str) -> None:
    """What begins an expression is doubled, in texts and in keys; all else stays as it is."""
    assert lower({text: text}) == {wanted: wanted}


def test_a_dollar_does_not_double_what_follows() -> None:
    """A text that ends with dollars keeps them apart from the interpolation after it."""
    assert lower(Concat(("costs $", STAGE))) == 'costs ${"$"}${var.stage}'
    assert lower(Concat(("$$", STAGE, "$"))) == '${"$$"}${var.stage}$'
    assert lower(Concat(("$", "{x}", STAGE))) == "$${x}${var.stage}"


def test_documents_become_expressions() -> None:
    """JSON is made by Terraform of what is nested, so that no value can break out of it."""
    values = Values([BUCKET])
    document = {
        "Resource": Ref("log-bucket", "arn"),
        "Key": Concat(("a/", STAGE, '"')),
        "On": True,
        "List": [1, NAMES, "${aws:username}"],
    }
    assert values.lower(values.json(document)) == (
        '${jsonencode({"Resource": aws_s3_bucket.log_bucket.arn, "Key": "a/${var.stage}\\"", '
        '"On": true, "List": [1, var.names, "$${aws:username}"]})}'
    )


def test_a_quoted_text_has_the_escapes_of_the_native_syntax() -> None:
    """Of JSON's escapes those are avoided that the native syntax lacks."""
    values = Values([])
    text = 'a "b" \\b \\\\ \n\t\b\f\x01 ü 😀'
    assert values.lower(values.base64(text)) == (
        '${base64encode("a \\"b\\" \\\\b \\\\\\\\ \\n\\t\\u0008\\u000c\\u0001 ü 😀")}'
    )


def test_several_texts() -> None:
    """A list stays one, a parameter that is one is handed on, and one that is text is cut."""
    values = Values([])
    assert values.texts(("a", STAGE)) == ("a", STAGE)
    assert values.texts(NAMES) == NAMES
    assert values.lower(values.texts(STAGE)) == '${split(",", var.stage)}'
    assert values.lower(values.joined(",", ("a", STAGE))) == "a,${var.stage}"
    assert values.lower(values.joined(",", NAMES)) == '${join(",", var.names)}'
    assert values.joined(",", ()) is None


def test_variables_and_facts_are_noted() -> None:
    """Only what was really used becomes a variable or a data source."""
    values = Values([BUCKET], taken=("region",))
    assert (values.variables, values.facts) == ({}, set())
    values.lower([STAGE, Pseudo("account_id"), Parameter("STAGE", "list"), Parameter("REGION")])
    assert values.facts == {"aws_caller_identity"}
    names = list(values.variables.values())
    assert names[0] == "stage"
    assert all(name[:-6] in {"stage_", "region_"} for name in names[1:])
    assert len(set(names)) == 3


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("EMR_CLUSTER_ID", "emr_cluster_id"), ("A", "a"), ("X1", "x1")],
)
def test_variables_are_called_as_parameters(name: str, wanted: str) -> None:
    """A variable's name is the parameter's, in lower case."""
    assert variable_name(name) == wanted


def test_names_that_are_changed_keep_apart() -> None:
    """A name that cannot be had back, or means something to Terraform, has digits of its hash."""
    names = ("emr", "Emr", "_A", "A__B", "COUNT", "SOURCE", "A.B", "A_")
    assert all(variable_name(name)[-7] == "_" for name in names)
    assert len({variable_name(name) for name in (*names, "EMR", "A_B", "A")}) == len(names) + 3


def test_labels() -> None:
    """Keys become identifiers, one to one."""
    assert label("log-bucket") == "log_bucket"
    assert label("role", "job") == "role_job"
    keys = ("a-b", "a_b", "a--b", "a.b", "A-b", "1-a", "a-0123ab")
    assert len({label(key) for key in keys}) == len(keys)


def test_every_kind_has_a_type_and_all_its_attributes() -> None:
    """What a kind says can be referred to has a place on what it becomes."""
    kinds = set(KINDS) - {KubernetesObject, TerraformModule}
    assert set(TYPES) == kinds
    assert {kind: set(found) for kind, found in ATTRIBUTES.items()} == {
        kind: set(kind.ATTRIBUTES) for kind in kinds
    }
    assert ATTRIBUTES[IamRole] == {"name": "name", "arn": "arn"}
