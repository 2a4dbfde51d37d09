"""The model, its schema, and the schema of the runner."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from dativo_infra.model import (
    BLOCK,
    OUTER_KEYS,
    Infrastructure,
    Job,
    JobDocument,
    Source,
    Substituted,
    block_schema,
    fields,
    job_schema,
    read_boolean,
    read_number,
)
from dativo_infra.values import Concat, Parameter, Ref

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

REQUIRED = {
    "tenant_id": "acme",
    "source_connector_path": "s",
    "target_connector_path": "t",
    "asset_path": "a",
}

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 3),
    st.sampled_from([0.0, 1.0, 2.5, 1e300]),
    st.sampled_from(["", "emr", "pulumi", "manual", "x"]),
)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=4,
)


def near(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Return values that a schema mostly accepts, with anything at all here and there."""
    schema = whole["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    kind = schema.get("type")
    if "properties" in schema:
        inner = {name: near(each, whole) for name, each in schema["properties"].items()}
        right = st.fixed_dictionaries({}, optional={**inner, "unknown": anything})
    elif kind == "object":
        values = schema.get("additionalProperties")
        values = near(values, whole) if isinstance(values, dict) else anything
        right = st.dictionaries(st.sampled_from("ab"), values, max_size=2)
    elif kind == "array":
        right = st.lists(near(schema["items"], whole), max_size=2)
    else:
        return scalars if "enum" not in schema else st.sampled_from([*schema["enum"], "", None])
    return st.one_of(right, right, right, right, anything)


blocks = near(block_schema(), block_schema())


def accepted_by_model(block: Any) -> bool:
    """Return whether the model accepts a block."""
    try:
        Infrastructure.model_validate(block)
    except ValidationError:
        return False
    return True


@settings(max_examples=500, deadline=None)
@given(blocks)
@example({"runtime": {"namespace": ""}})
@example({"runtime": {"compute": {"instance_count": 3.0}}})
@example({"runtime": {"compute": {"instance_count": True}}})
@example({"runtime": {"compute": {"instance_count": "3"}}})
@example({"metadata": {"tags": {"a": None}}})
@example({"name": ""})
def test_model_and_its_schema_agree(block: Any):
    """What an editor accepts by the JSON schema, loading accepts, and nothing else."""
    by_schema = jsonschema.Draft202012Validator(block_schema()).is_valid(block)
    assert accepted_by_model(block) == by_schema


@settings(max_examples=500, deadline=None)
@given(block=blocks)
@example(block={"runtime": {"namespace": ""}})
@example(block={"provider": "databricks"})
@example(block={"metadata": {"variables": None}})
@example(block={"resources": {"database": {"port": 5432.0}}})
def test_model_agrees_with_the_runner(seed: Path, block: Any):
    """The model accepts the blocks that the runner accepts; `name` and `former_names` are ours."""
    if isinstance(block, dict):
        block = {key: value for key, value in block.items() if key not in {"name", "former_names"}}
    schema = json.loads((seed / "job-config.schema.json").read_text())["properties"][BLOCK]
    assert accepted_by_model(block) == jsonschema.Draft7Validator(schema).is_valid(block)


def test_fields_are_those_of_the_runner(seed: Path):
    """The keys of a job, and which must be there, are those of the runner's schema."""
    schema = json.loads((seed / "job-config.schema.json").read_text())
    assert set(schema["properties"]) == set(OUTER_KEYS) - {
        "classification_overrides",
        "finops",
        "governance_overrides",
    }
    required = {name for name, info in JobDocument.model_fields.items() if info.is_required()}
    assert required == set(schema["required"])


def test_every_field_is_described():
    """Each field has a description, which editors and `explain` show."""
    assert [path for path, description in fields().items() if not description] == []


@pytest.mark.parametrize("schema", [block_schema(), job_schema()])
def test_schemas_are_schemas(schema: Mapping[str, Any]):
    """The generated schemas are valid, and know no null."""
    jsonschema.Draft202012Validator.check_schema(dict(schema))
    assert '"null"' not in json.dumps(schema)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (Substituted("3"), 3),
        (Substituted(" 3 "), 3),
        (Substituted("-3"), -3),
        (Substituted("3.0"), "3.0"),
        (Substituted("x"), "x"),
        (Substituted(""), ""),
        ("3", "3"),
        (3.0, 3),
        (2.5, 2.5),
        (float("inf"), float("inf")),
        (True, True),
    ],
)
def test_numbers(value: Any, number: Any):
    """Only text from a variable is read as a number, and 3.0 is whole."""
    read = read_number(value)
    assert (read, type(read) is bool) == (number, type(number) is bool)


@pytest.mark.parametrize(
    ("value", "boolean"),
    [
        (Substituted("true"), True),
        (Substituted(" False "), False),
        (Substituted("yes"), "yes"),
        ("true", "true"),
        (1, 1),
    ],
)
def test_booleans(value: Any, boolean: Any):
    """Only text from a variable is read as a boolean."""
    assert read_boolean(value) == boolean


@pytest.mark.parametrize("token", [Parameter("X"), Ref("k", "arn"), Concat(("a", Parameter("X")))])
@pytest.mark.parametrize(
    ("block", "late"),
    [
        (lambda it: {"runtime": {"compute": {"cluster_id": it}}}, True),
        (lambda it: {"metadata": {"tags": {"a": it}}}, True),
        (lambda it: {"runtime": {"network": {"subnet_ids": [it]}}}, True),
        (lambda it: {"runtime": {"namespace": it}}, False),
        (lambda it: {"runtime": {"compute": {"instance_count": it}}}, False),
        (lambda it: {"runtime": it}, False),
        (lambda it: {"name": it}, False),
    ],
)
def test_where_tokens_may_stand(token: Any, block: Any, late: bool):
    """Tokens stand for text that may be known late, and for nothing else."""
    assert accepted_by_model(block(token)) is late


def test_secrets_and_joined_text_are_no_lists():
    """Only one whole variable that is no secret stands for a list."""
    for value in (Parameter("S", "secret"), Concat((Parameter("A"), ",b"))):
        assert not accepted_by_model({"runtime": {"network": {"subnet_ids": value}}})


def test_job_reads_by_dotted_path():
    """A job answers for every field by its dotted path, set or not."""
    block = {"runtime": {"compute": {"instance_count": 2}}, "metadata": {"variables": {"a": 1}}}
    job = Job(JobDocument.model_validate({**REQUIRED, BLOCK: block}), Source("x/orders.yaml"))
    assert job.get("runtime.compute.instance_count") == 2
    assert job.get("runtime.storage.bucket") is None
    assert job.variables == {"a": 1}
    assert list(job.set_fields()) == ["runtime.compute.instance_count", "metadata.variables"]
    assert str(job.identity) == "acme/default/orders"


def test_text_of_a_job_without_a_file():
    """A job that a program made has the text that its outer part would have in a file."""
    job = Job(JobDocument.model_validate({**REQUIRED, "x": 1, BLOCK: {}}), Source("orders"))
    assert json.loads(job.text) == {**REQUIRED, "x": 1}


def test_text_of_a_job_that_a_program_changed():
    """The file's text holds no longer; what has no value yet is refused, not written."""
    document = JobDocument.model_validate({**REQUIRED, "source": {"a": None}, BLOCK: {}})
    source = Source("orders.yaml", "as it stands")
    assert Job(document, source).text == "as it stands"
    changed = Job(document, source, changed=True)
    assert json.loads(changed.text) == {**REQUIRED, "source": {"a": None}}
    late = JobDocument.model_validate({**REQUIRED, "source": {"a": Parameter("LATE")}})
    with pytest.raises(TypeError, match="LATE"):
        _ = Job(late, source, changed=True).text
