"""What the user wrote: a job and its infrastructure block.

The classes mirror the Dativo job schema, field by field, and are frozen. Text fields of type
`LateText` may hold a token of `values` instead of text: a value that is known at deployment only.
Everything else must be known when planning.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    WrapValidator,
    field_validator,
)
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticCustomError

from dativo_infra.diagnostics import Location
from dativo_infra.names import Identity
from dativo_infra.values import TOKENS, Parameter, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo
    from pydantic_core import core_schema

Provider: TypeAlias = Literal["terraform", "cloudformation", "pulumi", "manual"]
PlatformName: TypeAlias = Literal[
    "kubernetes", "ecs", "fargate", "emr", "databricks", "spark", "ray", "dask"
]
Path: TypeAlias = tuple[str | int, ...]
"""Where a value stands in a document: keys and list positions from the root."""

DEFAULT_ENVIRONMENT = "default"
BLOCK = "infrastructure"


class Substituted(str):
    """Text that came from `${NAME}`: a field may read it as a number, a boolean or a list."""

    __slots__ = ()


def _pass_tokens(value: Any, validate: Any) -> Any:
    return value if isinstance(value, TOKENS) else validate(value)


def read_number(value: Any) -> Any:
    """Return the whole number that a substituted text or a float such as 3.0 says, or the value."""
    if isinstance(value, Substituted):
        try:
            return int(value)
        except ValueError:
            return value
    # JSON Schema counts 3.0 among the integers, and so does the runner.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def read_boolean(value: Any) -> Any:
    """Return the boolean that a substituted text says, or the value itself."""
    if isinstance(value, Substituted):
        return {"true": True, "false": False}.get(value.strip().lower(), value)
    return value


def _read_list(value: Any, validate: Any) -> Any:
    # A whole `${NAME}` is a list: as text its items are separated by commas, as everywhere in AWS.
    # Text put together from parts is none, nor is a secret.
    if isinstance(value, Parameter) and not value.secret:
        return Parameter(value.name, "list")
    if isinstance(value, Substituted):
        value = [item.strip() for item in value.split(",") if item.strip()]
    return validate(value)


if TYPE_CHECKING:
    LateText: TypeAlias = Text
    LateList: TypeAlias = tuple[Text, ...] | Parameter
else:
    LateText = Annotated[str, WrapValidator(_pass_tokens)]
    LateList = Annotated[tuple[LateText, ...], Strict(False), WrapValidator(_read_list)]

Whole: TypeAlias = Annotated[int, BeforeValidator(read_number)]
Count: TypeAlias = Annotated[int, Field(ge=1), BeforeValidator(read_number)]
Switch: TypeAlias = Annotated[bool, BeforeValidator(read_boolean)]


def _refuse_null(value: Any) -> Any:
    # The job schema has no nullable field in the block: a key without a value is a mistake.
    if value is None:
        raise PydanticCustomError("null", "a key without a value")
    return value


class Section(BaseModel):
    """A mapping of the job file with known fields; others are kept, and reported when loading."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")

    _refuse_null = field_validator("*", mode="before")(_refuse_null)


class Terraform(Section):
    """The Terraform module that the job's team keeps."""

    module_source: str | None = Field(
        default=None,
        description="Where the module is: a registry address, a git URL, or a local path.",
        examples=["git::https://git.example.com/modules/ingest", "./modules/ingest"],
    )
    module_version: str | None = Field(
        default=None, description="Version or git ref of the module.", examples=["v1.4.0", "v1.5.0"]
    )
    workspace: str | None = Field(
        default=None, description="Terraform workspace.", examples=["prod", "staging"]
    )
    backend_config: dict[str, Any] | None = Field(
        default=None,
        description="Settings of the backend that keeps the state.",
        examples=[
            {"bucket": "acme-terraform", "key": "orders.tfstate", "region": "eu-west-1"},
            {"bucket": "acme-state", "key": "orders.tfstate", "region": "eu-west-1"},
        ],
    )


class AutoScaling(Section):
    """Limits between which the tool's own autoscaler moves the number of workers."""

    enabled: Switch | None = Field(
        default=None, description="Whether the number of workers is scaled.", examples=[True, False]
    )
    min_instances: Count | None = Field(
        default=None, description="Fewest workers.", examples=[2, 3]
    )
    max_instances: Count | None = Field(default=None, description="Most workers.", examples=[8, 10])


class Compute(Section):
    """The machines; `instance_count` counts workers, primary and driver nodes are extra."""

    cluster_id: LateText | None = Field(
        default=None,
        description="A cluster that exists: it is referred to, and none is built.",
        examples=["shared", "acme-batch"],
    )
    instance_type: LateText | None = Field(
        default=None,
        description="Machine type of the workers.",
        examples=["m5.xlarge", "r5.2xlarge"],
    )
    instance_count: Count | None = Field(
        default=None, description="Number of workers.", examples=[3, 4]
    )
    auto_scaling: AutoScaling | None = None


class Storage(Section):
    """Where data and state are kept; all of it exists already."""

    bucket: LateText | None = Field(
        default=None,
        description="Bucket that the job may read and write.",
        examples=["acme-lake", "acme-archive"],
    )
    volume_id: LateText | None = Field(
        default=None,
        description="Volume for the job's state.",
        examples=["vol-0a1b2c3d", "ingest-state"],
    )
    mount_path: str | None = Field(
        default=None,
        description="Where the volume is mounted.",
        examples=["/mnt/state", "/var/lib/state"],
    )


class Network(Section):
    """The network that the machines are placed in; all of it exists already."""

    vpc_id: LateText | None = Field(
        default=None, description="The virtual network.", examples=["vpc-0a1b2c3d", "vpc-1b2c3d4e"]
    )
    subnet_ids: LateList | None = Field(
        default=None,
        description="Subnets for the machines.",
        examples=[["subnet-0a1b2c3d"], ["subnet-1b2c3d4e", "subnet-2c3d4e5f"]],
    )
    security_group_ids: LateList | None = Field(
        default=None,
        description="Additional security groups.",
        examples=[["sg-0a1b2c3d"], ["sg-1b2c3d4e", "sg-2c3d4e5f"]],
    )


class Runtime(Section):
    """Where the job runs."""

    platform: PlatformName | None = Field(
        default=None, description="Execution platform.", examples=["emr", "kubernetes"]
    )
    compute: Compute | None = None
    storage: Storage | None = None
    network: Network | None = None
    namespace: str | None = Field(
        default=None,
        description="Kubernetes namespace, shared by the jobs that name it.",
        examples=["ingestion", "analytics"],
    )
    service_account: LateText | None = Field(
        default=None,
        description="Whom the job runs as: a role ARN, an e-mail of Google, a client id of Azure, "
        "or a plain name.",
        examples=["ingest-runner", "reporting"],
    )


class Metadata(Section):
    """What labels the infrastructure, and settings of the platform."""

    tags: dict[str, LateText] | None = Field(
        default=None,
        description="Tags on every taggable resource.",
        examples=[{"CostCenter": "data-engineering"}, {"CostCenter": "analytics", "Owner": "web"}],
    )
    labels: dict[str, LateText] | None = Field(
        default=None,
        description="Kubernetes labels.",
        examples=[{"team": "data"}, {"team": "web", "tier": "gold"}],
    )
    annotations: dict[str, LateText] | None = Field(
        default=None,
        description="Kubernetes annotations.",
        examples=[{"example.com/runbook": "orders"}, {"example.com/runbook": "payments"}],
    )
    variables: dict[str, Any] | None = Field(
        default=None,
        description="Settings of the platform, or inputs of the Terraform module.",
        examples=[{"image": "ghcr.io/acme/ingest:1.4"}, {"protect": False}],
    )


class Database(Section):
    """A database that exists."""

    endpoint: LateText | None = Field(
        default=None, description="Host name.", examples=["db.acme.example", "replica.acme.example"]
    )
    port: Whole | None = Field(default=None, description="TCP port.", examples=[5432, 5433])
    database_name: LateText | None = Field(
        default=None, description="Name of the database.", examples=["orders", "payments"]
    )
    instance_id: LateText | None = Field(
        default=None,
        description="Identifier of the instance.",
        examples=["acme-orders", "acme-payments"],
    )


class Cache(Section):
    """A cache that exists."""

    endpoint: LateText | None = Field(
        default=None,
        description="Host name, or host:port.",
        examples=["cache.acme.example:6379", "cache.acme.example:6380"],
    )
    cluster_id: LateText | None = Field(
        default=None,
        description="Identifier of the cache cluster.",
        examples=["acme-cache", "acme-sessions"],
    )


class Queue(Section):
    """A queue that exists."""

    url: LateText | None = Field(
        default=None,
        description="URL of the queue, or its bootstrap servers.",
        examples=[
            "https://sqs.eu-west-1.amazonaws.com/123456789012/work",
            "kafka.acme.example:9092",
        ],
    )
    arn: LateText | None = Field(
        default=None,
        description="The queue, by its ARN or its name.",
        examples=[
            "arn:aws:sqs:eu-west-1:123456789012:work",
            "arn:aws:sqs:eu-west-1:123456789012:late",
            "arn:aws:kafka:eu-west-1:123456789012:cluster/work/0a1b2c3d",
        ],
    )


class Secrets(Section):
    """Where the job's secrets are kept."""

    secret_manager_arn: LateText | None = Field(
        default=None,
        description="The secret bundle, by its ARN, or its name or URL elsewhere.",
        examples=[
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:acme/orders",
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:acme/payments",
            "projects/acme/secrets/orders",
            "https://acme.vault.azure.net/secrets/orders",
            "${ORDERS_BUNDLE}",
        ],
    )
    kms_key_id: LateText | None = Field(
        default=None,
        description="Key that the bundle is encrypted with.",
        examples=["alias/acme-secrets", "alias/acme-data"],
    )


class Resources(Section):
    """What exists already and the job uses."""

    database: Database | None = None
    cache: Cache | None = None
    queue: Queue | None = None
    secrets: Secrets | None = None


class Infrastructure(Section):
    """The infrastructure block of a job."""

    name: str | None = Field(
        default=None,
        min_length=1,
        description="What the infrastructure is called, instead of the file's name; jobs that say "
        "the same name share one infrastructure.",
        examples=["orders", "payments"],
    )
    former_names: Annotated[tuple[str, ...], Strict(False)] | None = Field(
        default=None,
        description="Earlier names, oldest first, so that a rename replaces nothing.",
        examples=[["orders_old"], ["orders_2024", "orders_old"]],
    )
    provider: Provider | None = Field(
        default=None,
        description="The tool that owns the job's infrastructure.",
        examples=["pulumi", "cloudformation"],
    )
    terraform: Terraform | None = None
    runtime: Runtime | None = None
    metadata: Metadata | None = None
    resources: Resources | None = None
    outputs: dict[str, str] | None = Field(
        default=None,
        description="Outputs that the job expects of its infrastructure, by its own names.",
        examples=[{"cluster": "output.emr_cluster_id"}, {"logs": "output.emr_log_bucket"}],
    )


class JobDocument(BaseModel):
    """A job file. Outside the infrastructure block it belongs to the runner and is passed on."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")

    tenant_id: str = Field(min_length=1, description="Tenant that the job belongs to.")
    environment: str | None = Field(default=None, description="Environment, such as dev or prod.")
    source_connector_path: str = Field(min_length=1, description="Source connector recipe.")
    target_connector_path: str = Field(min_length=1, description="Target connector recipe.")
    asset_path: str = Field(min_length=1, description="Asset definition.")
    source: Any = Field(default=None, description="Settings of the source.")
    target: Any = Field(default=None, description="Settings of the target.")
    infrastructure: Infrastructure | None = None

    _refuse_null = field_validator("environment", BLOCK, mode="before")(_refuse_null)


OUTER_KEYS = frozenset(JobDocument.model_fields) | {
    "$schema",
    "asset",
    "classification_overrides",
    "finops",
    "governance_overrides",
    "logging",
    "retry_config",
    "schema_validation_mode",
    "source_connector",
    "target_connector",
}
"""Keys of a job that the runner knows."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a document came from, with the places of its keys and values."""

    file: str
    text: str = field(default="", repr=False)
    spans: Mapping[Path, tuple[int, int, int, int]] = field(default_factory=dict, repr=False)
    """Line and column, from 0, of the key and of the value of each path."""

    def locate(self, path: Path = (), *, key: bool = False) -> Location:
        """Return the place of a value, or of its key; of the nearest part above that has one."""
        while path and path not in self.spans:
            path, key = path[:-1], True
        span = self.spans.get(path)
        if span is None:
            return self.at(0, 0)
        return self.at(*(span[:2] if key else span[2:]))

    def at(self, line: int, column: int) -> Location:
        """Return the location of a line and column counted from 0."""
        lines = lines_of(self.text)
        text = lines[line] if line < len(lines) else ""
        return Location(self.file, line + 1, column + 1, text)


@lru_cache(maxsize=4)
def lines_of(text: str) -> list[str]:
    """Return the lines of a text as the YAML parser counts them."""
    # `splitlines` breaks at a few control characters more, which YAML does not allow at all.
    return text.splitlines()


@dataclass(frozen=True)
class Job:
    """One job as it was loaded: its document and where that stands."""

    document: JobDocument
    source: Source
    unresolved: tuple[tuple[Path, Parameter], ...] = ()
    """Fields left out of the document since a `${NAME}` in them has no value yet."""
    faulty: tuple[Path, ...] = ()
    """Fields left out since they are wrong. Such a job is checked further, and never built."""
    changed: bool = False
    """Whether a program changed what the file says outside the block."""

    @property
    def tenant(self) -> str:
        """The tenant's identifier."""
        return self.document.tenant_id

    @property
    def environment(self) -> str:
        """The environment, or `default`."""
        return self.document.environment or DEFAULT_ENVIRONMENT

    @cached_property
    def block(self) -> Infrastructure:
        """The infrastructure block; an empty one where the job has none."""
        return self.document.infrastructure or Infrastructure()

    @cached_property
    def file_name(self) -> str:
        """The name that the file gives the job: its stem, or its folder's name for `job.yaml`."""
        file = PurePath(self.source.file)
        if file.stem == "job" and self.source.text:
            # The folder's name is the same from wherever the file is named.
            return PurePath(os.path.abspath(file)).parent.name or file.stem  # noqa: PTH100 - drops `..`
        return file.stem

    @cached_property
    def identity(self) -> Identity:
        """What the job's infrastructure is known by."""
        return Identity(self.tenant, self.environment, self.block.name or self.file_name)

    @property
    def text(self) -> str:
        """The job file as it stands; where a program made or changed it, its outer part as JSON."""
        if self.source.text and not self.changed:
            return self.source.text
        outer = {key: value for key, value in self.document if key != BLOCK and value is not None}
        return json.dumps(outer, indent=2, default=_as_text) + "\n"

    @property
    def variables(self) -> Mapping[str, Any]:
        """The settings of `metadata.variables`."""
        return self.get("metadata.variables") or {}

    def get(self, path: str) -> Any:
        """Return the value of a field of the block by its dotted path, or None where not set."""
        value: Any = self.block
        for name in path.split("."):
            value = getattr(value, name, None)
            if value is None:
                return None
        return value

    def lacks(self, path: str, *parts: str) -> bool:
        """Return whether a field that the file has was left out, by itself or with a part above."""
        wanted = (BLOCK, *path.split("."), *parts)
        left_out = (*self.faulty, *(each for each, _ in self.unresolved))
        return any(wanted[: len(each)] == each for each in left_out)

    def locate(self, path: str, *parts: str | int, key: bool = False) -> Location:
        """Return the place of a field of the block by its dotted path and keys below it."""
        return self.source.locate((BLOCK, *path.split("."), *parts), key=key)

    def set_fields(self) -> Iterator[str]:
        """Yield the dotted paths of the block's fields that the job sets."""
        return (path for path in fields() if self.get(path) is not None)


def _as_text(value: Any) -> str:
    if isinstance(value, TOKENS):
        raise TypeError(f"`{value}` is known at deployment only, and a job's text before")
    return str(value)


@cache
def fields() -> Mapping[str, str]:
    """Return every field of the block by its dotted path, with its description."""
    return {path: info.description or "" for path, info in _fields(Infrastructure, "")}


@cache
def examples() -> Mapping[str, tuple[Any, ...]]:
    """Return values that each field of the block may have, by its dotted path."""
    return {path: tuple(info.examples or ()) for path, info in _fields(Infrastructure, "")}


def _fields(section: type[Section], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, info in section.model_fields.items():
        inner = section_of(section, name)
        if inner:
            yield from _fields(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", info


@cache
def section_of(section: type[BaseModel], name: str) -> type[Section] | None:
    """Return the class of a section's field when that is a section itself."""
    info = section.model_fields.get(name)
    if info is None:
        return None
    for choice in (info.annotation, *get_args(info.annotation)):
        if isinstance(choice, type) and issubclass(choice, Section):
            return choice
    return None


class _PlainSchema(GenerateJsonSchema):
    """Leaves out null, which the job schema does not know, and defaults that say so."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


@cache
def job_schema() -> Mapping[str, Any]:
    """Return the JSON Schema (2020-12) of a job file, for editors and other validators."""
    schema = JobDocument.model_json_schema(schema_generator=_PlainSchema)
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **schema, "title": "Dativo job"}


@cache
def block_schema() -> Mapping[str, Any]:
    """Return the JSON Schema (2020-12) of the infrastructure block alone."""
    return Infrastructure.model_json_schema(schema_generator=_PlainSchema)
