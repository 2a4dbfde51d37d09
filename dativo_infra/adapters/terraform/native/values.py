"""Tokens and texts in Terraform's form, as its JSON syntax has them.

Every string of a configuration is a template: `${` and `%{` begin what Terraform evaluates. So that
nothing from a job is, each text and each key of a mapping is written with these doubled, and only
what is made here of a token stands between `${` and `}`.
Source: https://developer.hashicorp.com/terraform/language/syntax/json#expression-mapping,
https://developer.hashicorp.com/terraform/language/expressions/strings#escape-sequences
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from dativo_infra.adapters.terraform.literals import escaped, quoted
from dativo_infra.adapters.terraform.native.kubernetes import type_of
from dativo_infra.names import TERRAFORM_LABEL, render_key
from dativo_infra.resources.application_autoscaling import ScalableTarget, ScalingPolicy
from dativo_infra.resources.autoscaling import AutoScalingGroup
from dativo_infra.resources.databricks import (
    DatabricksCluster,
    DatabricksInstancePool,
    DatabricksJob,
)
from dativo_infra.resources.ec2 import LaunchTemplate
from dativo_infra.resources.ecs import (
    EcsCapacityProvider,
    EcsCluster,
    EcsClusterCapacityProviders,
    EcsService,
    EcsTaskDefinition,
)
from dativo_infra.resources.emr import EmrCluster, EmrSecurityConfiguration
from dativo_infra.resources.iam import IamInstanceProfile, IamRole
from dativo_infra.resources.kubernetes import KubernetesObject
from dativo_infra.resources.logs import LogGroup
from dativo_infra.resources.s3 import S3Bucket
from dativo_infra.resources.scheduler import Schedule
from dativo_infra.resources.secretsmanager import SecretsManagerSecret
from dativo_infra.values import (
    TOKENS,
    Concat,
    Parameter,
    Pseudo,
    Ref,
    Select,
    Split,
    Token,
    concat,
)

if TYPE_CHECKING:
    from dativo_infra.resources import Resource

TYPES: Mapping[type[Resource], str] = {
    AutoScalingGroup: "aws_autoscaling_group",
    DatabricksCluster: "databricks_cluster",
    DatabricksInstancePool: "databricks_instance_pool",
    DatabricksJob: "databricks_job",
    EcsCapacityProvider: "aws_ecs_capacity_provider",
    EcsCluster: "aws_ecs_cluster",
    EcsClusterCapacityProviders: "aws_ecs_cluster_capacity_providers",
    EcsService: "aws_ecs_service",
    EcsTaskDefinition: "aws_ecs_task_definition",
    EmrCluster: "aws_emr_cluster",
    EmrSecurityConfiguration: "aws_emr_security_configuration",
    IamInstanceProfile: "aws_iam_instance_profile",
    IamRole: "aws_iam_role",
    LaunchTemplate: "aws_launch_template",
    LogGroup: "aws_cloudwatch_log_group",
    S3Bucket: "aws_s3_bucket",
    ScalableTarget: "aws_appautoscaling_target",
    ScalingPolicy: "aws_appautoscaling_policy",
    Schedule: "aws_scheduler_schedule",
    SecretsManagerSecret: "aws_secretsmanager_secret",
}
"""What each kind mainly is; beside it some have parts, as a role has its policies."""

STATEFUL_TYPES = frozenset(type_ for kind, type_ in TYPES.items() if kind.STATEFUL)
"""Of what holds data or runs something, for resources that no job describes any more."""

ATTRIBUTES: Mapping[type[Resource], Mapping[str, str]] = {
    AutoScalingGroup: {"name": "name", "arn": "arn"},
    DatabricksCluster: {"id": "id", "url": "url"},
    DatabricksInstancePool: {"id": "id"},
    DatabricksJob: {"id": "id", "url": "url"},
    EcsCapacityProvider: {"name": "name"},
    EcsCluster: {"name": "name", "arn": "arn"},
    EcsClusterCapacityProviders: {},
    EcsService: {"name": "name", "arn": "arn"},
    EcsTaskDefinition: {"arn": "arn"},
    EmrCluster: {"id": "id", "arn": "arn", "master_public_dns": "master_public_dns"},
    EmrSecurityConfiguration: {"name": "name"},
    IamInstanceProfile: {"name": "name", "arn": "arn"},
    IamRole: {"name": "name", "arn": "arn"},
    LaunchTemplate: {"id": "id", "latest_version": "latest_version"},
    LogGroup: {"name": "name"},
    S3Bucket: {"name": "bucket", "arn": "arn"},
    ScalableTarget: {},
    ScalingPolicy: {},
    Schedule: {"name": "name", "arn": "arn"},
    SecretsManagerSecret: {"arn": "arn"},
}
"""Where the attributes of a kind are found on what it mainly is.

Source: "Attribute reference" of each type in
https://registry.terraform.io/providers/hashicorp/aws/latest/docs and .../databricks/databricks/
"""

FACTS: Mapping[str, tuple[str, str]] = {
    "account_id": ("aws_caller_identity", "account_id"),
    "partition": ("aws_partition", "partition"),
    "region": ("aws_region", "region"),
}
"""The data source that knows each fact of the place deployed to, and the attribute there."""

_RESERVED = frozenset(
    ("count", "depends_on", "for_each", "lifecycle", "locals", "providers", "source", "version")
)
"""Source: https://developer.hashicorp.com/terraform/language/values/variables#arguments"""


@dataclass(frozen=True, slots=True)
class Expression:
    """What Terraform is to evaluate; never made of a text from a job."""

    text: str


class Values:
    """What the tokens of one unit refer to; notes which variables and facts were really used.

    Args:
        resources: those of the unit.
        taken: names of variables that mean something else.
    """

    def __init__(self, resources: Collection[Resource], taken: Collection[str] = ()) -> None:
        self._resources = {each.key: each for each in resources}
        self._taken = taken
        self.variables: dict[Parameter, str] = {}
        """The parameters used so far, each with the name of its variable."""
        self.facts: set[str] = set()
        """The data sources used so far."""
        self.referred: set[str] = set()
        """The keys of the resources referred to so far."""

    def lower(self, value: Any) -> Any:
        """Return nested data in the JSON syntax: each text and each token as a template."""
        if isinstance(value, Mapping):
            return {escaped(key): self.lower(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.lower(item) for item in value]
        if isinstance(value, (str, Expression, *TOKENS)):
            return self._template(value, escaped)
        return value

    def json(self, document: Any) -> Expression:
        """Return what makes JSON text of nested data, whatever is in its tokens."""
        return self._call("jsonencode", document)

    def base64(self, text: Any) -> Expression:
        """Return what encodes a text."""
        return self._call("base64encode", text)

    def texts(self, value: Any) -> Any:
        """Return several texts as a list, or what gives one.

        A parameter that is one text holds them joined by commas.
        """
        if isinstance(value, Parameter) and value.type != "list":
            return Split(",", value)
        return value

    def joined(self, separator: str, value: Any) -> Any:
        """Return several texts as one, or None where there are none."""
        items = self.texts(value)
        if not isinstance(items, tuple | list):
            return self._call("join", separator, items)
        parts = [part for item in items for part in (separator, item)][1:]
        return Concat(tuple(parts)) if parts else None

    def _call(self, function: str, *arguments: Any) -> Expression:
        return Expression(f"{function}({', '.join(self._expression(each) for each in arguments)})")

    def _template(self, value: Any, literal: Callable[[str], str]) -> str:
        """Return a text or a token as a template; `literal` writes what is not evaluated."""
        if isinstance(value, str):
            return literal(value)
        if isinstance(value, Concat):
            # Joined anew, since `$` and `{` may end one part and begin the next.
            whole = concat(*value.parts)
            parts = whole.parts if isinstance(whole, Concat) else (whole,)
            return "".join(
                self._template(part, literal if part is parts[-1] else _before(literal))
                for part in parts
            )
        return f"${{{self._expression(value)}}}"

    def _expression(self, value: Any) -> str:
        """Return nested data as an expression of the native syntax."""
        if isinstance(value, Expression):
            return value.text
        if isinstance(value, str | Concat):
            return f'"{self._template(value, quoted)}"'
        if isinstance(value, TOKENS):
            return self._token(value)
        if isinstance(value, Mapping):
            items = (f"{self._expression(k)}: {self._expression(v)}" for k, v in value.items())
            return f"{{{', '.join(items)}}}"
        if isinstance(value, list | tuple):
            return f"[{', '.join(map(self._expression, value))}]"
        return json.dumps(value)

    def _token(self, token: Token) -> str:
        match token:
            case Ref(key, attribute):
                self.referred.add(key)
                return f"{self.address(key)}.{self._attribute(key, attribute)}"
            case Parameter():
                return f"var.{self._variable(token)}"
            case Pseudo(name):
                source, attribute = FACTS[name]
                self.facts.add(source)
                return f"data.{source}.current.{attribute}"
            case Split(separator, text):
                return self._call("split", separator, text).text
            case Select(items, -1):
                return f"{self._call('reverse', items).text}[0]"
            case Select(items, index):
                return f"{self._expression(items)}[{index}]"
            case Concat():
                return self._expression(token)

    def address(self, key: str) -> str:
        """Return the address of what a resource mainly is."""
        resource = self._resources[key]
        if isinstance(resource, KubernetesObject):
            return f"{type_of(resource)}.{label(key)}"
        return f"{TYPES[type(resource)]}.{label(key)}"

    def _attribute(self, key: str, attribute: str) -> str:
        resource = self._resources[key]
        if not isinstance(resource, KubernetesObject):
            return ATTRIBUTES[type(resource)][attribute]
        whole = type_of(resource) == "kubernetes_manifest"
        return f"manifest.metadata.{attribute}" if whole else f"metadata[0].{attribute}"

    def _variable(self, parameter: Parameter) -> str:
        if parameter not in self.variables:
            name = variable_name(parameter.name)
            # One name may be used as text and as a list, which are two parameters.
            if name in (*self._taken, *self.variables.values()):
                name += f"_{_digest(f'{parameter.name}:{parameter.type}')}"
            self.variables[parameter] = name
        return self.variables[parameter]


def label(key: str, part: str = "") -> str:
    """Return the label of a resource, or of a part of it: `log-bucket` becomes `log_bucket`."""
    return "_".join(render_key(each, TERRAFORM_LABEL) for each in (key, part) if each)


def variable_name(name: str) -> str:
    """Return a parameter's name as a variable: `EMR_CLUSTER_ID` becomes `emr_cluster_id`.

    Six digits of a hash are appended where the original cannot be had back.
    """
    lower = re.sub("[^a-z0-9]+", "_", name.lower()).strip("_") or "x"
    lower = lower if lower[0].isalpha() else f"x_{lower}"
    same = lower.upper() == name and lower not in _RESERVED
    return lower if same else f"{lower}_{_digest(name)}"


def _before(literal: Callable[[str], str]) -> Callable[[str], str]:
    """Return what writes a text that something evaluated follows.

    A `$` at its end would double the one that begins what follows.
    """

    def write(text: str) -> str:
        stem = text.rstrip("$")
        rest = text[len(stem) :]
        return literal(stem) + (f'${{"{rest}"}}' if rest else "")

    return write


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:6]
