"""From tokens to Pulumi's outputs."""
# ruff: noqa: PLC0415 - a provider is imported only by a program that uses it

from __future__ import annotations

import json
import os
from dataclasses import fields, is_dataclass
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import pulumi

from dativo_infra.diagnostics import raise_errors, rules
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
    parameters,
    references,
    resolve,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from dativo_infra.resources import Resource

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
    KubernetesObject: {"name": "metadata.name"},
    LaunchTemplate: {"id": "id", "latest_version": "latest_version"},
    LogGroup: {"name": "name"},
    S3Bucket: {"name": "bucket", "arn": "arn"},
    ScalableTarget: {},
    ScalingPolicy: {},
    Schedule: {"name": "name", "arn": "arn"},
    SecretsManagerSecret: {"arn": "arn"},
}
"""Where a kind's attributes are found on the first Pulumi resource that it is lowered to."""

NUMBERS = frozenset({(LaunchTemplate, "latest_version")})
"""Attributes that the provider gives as a number; what refers to one wants text."""

SETTINGS = frozenset({"jobs", "environment", "tenant", "shard", "provider", "project", "env-file"})
"""Keys of the stack's configuration that say what is built: no values of a job's variables."""


class Resolver:
    """Knows what a unit's resources became, and turns tokens into values of Pulumi.

    Args:
        component: the component that the unit is built in; asks the provider in its name.
        parameters: values of the parameters by name, see `given`.
    """

    def __init__(
        self, component: pulumi.Resource, parameters: Mapping[str, pulumi.Input[Any]]
    ) -> None:
        self._component = component
        self._parameters = parameters
        self._lowered: dict[str, tuple[type[Resource], tuple[pulumi.Resource, ...]]] = {}

    def register(self, resource: Resource, lowered: Iterable[pulumi.Resource]) -> None:
        """Remember what a resource became; the first one has its attributes."""
        self._lowered[resource.key] = (type(resource), tuple(lowered))

    def lowered(self, keys: Iterable[str]) -> list[pulumi.Resource]:
        """Return everything that resources became: a role is of use only with its policies."""
        return [each for key in dict.fromkeys(keys) for each in self._lowered[key][1]]

    def value(self, value: Any) -> Any:
        """Return nested data with its tokens replaced by text, lists or outputs."""
        return resolve(value, self._token)

    def json(self, document: Any) -> pulumi.Input[str]:
        """Return nested data as JSON text: plain where all of it is known."""
        resolved = self.value(document)
        if _has_output(resolved):
            return pulumi.Output.json_dumps(resolved)
        return json.dumps(resolved)

    def _token(self, token: Token) -> Any:
        match token:
            case Ref(key, attribute):
                kind, resources = self._lowered[key]
                found = attrgetter(ATTRIBUTES[kind][attribute])(resources[0])
                return found.apply(str) if (kind, attribute) in NUMBERS else found
            case Parameter(name):
                return self._parameters[name]
            case Pseudo(name):
                return getattr(self, f"_{name}")
            case Concat(parts):
                return _joined("", [self.value(part) for part in parts])
            case Split(separator, text):
                return _apply(self.value(text), lambda known: known.split(separator))
            case Select(items, index):
                chosen = self.value(items)
                if isinstance(chosen, list):
                    return chosen[index]
                return _apply(chosen, lambda known: known[index])

    def texts(self, value: Any) -> Any:
        """Return several texts as a list, or an output of one.

        A parameter that is one text holds them joined by commas.
        """
        if isinstance(value, Parameter) and value.type != "list":
            return self.value(Split(",", value))
        return self.value(value)

    def joined(self, separator: str, value: Any) -> Any:
        """Return several texts as one, or None where there are none."""
        items = self.texts(value)
        if isinstance(items, list):
            return _joined(separator, items) if items else None
        return _apply(items, separator.join)

    def changed(self, value: Any, change: Callable[[Any], Any]) -> Any:
        """Return what a function makes of nested data: at once, or when the data is known."""
        return _apply(self.value(value), change)

    @cached_property
    def _account_id(self) -> pulumi.Output[str]:
        import pulumi_aws as aws

        return aws.get_caller_identity_output(opts=self._asked).account_id

    @cached_property
    def _region(self) -> pulumi.Output[str]:
        import pulumi_aws as aws

        return aws.get_region_output(opts=self._asked).region

    @cached_property
    def _partition(self) -> pulumi.Output[str]:
        import pulumi_aws as aws

        return aws.get_partition_output(opts=self._asked).partition

    @property
    def _asked(self) -> pulumi.InvokeOptions:
        # The parent's provider answers, so that the account is the one deployed to.
        return pulumi.InvokeOptions(parent=self._component)


def needed(resource: Resource) -> Iterator[str]:
    """Yield the keys of the resources that must exist before."""
    yield from (reference.key for reference in references(content(resource)))
    yield from resource.after


def given(
    resources: Iterable[Resource | Any], values: Mapping[str, pulumi.Input[Any]]
) -> dict[str, pulumi.Input[Any]]:
    """Return the value of every parameter that resources, or other nested data, consume.

    A value comes from `values`, else from the stack's configuration, else from the environment.
    A parameter that is secret stays so, and so does a secret of the configuration.

    Raises:
        DiagnosticError: some have no value; all are named.
    """
    consumed = {each.name: each for item in resources for each in parameters(content(item))}
    found = {name: lookup(parameter, values) for name, parameter in consumed.items()}
    raise_errors(
        rules.MISSING_PARAMETER.at(
            None,
            f"`{name}` has no value.",
            remedy="Set it in the environment."
            if name in SETTINGS
            else f"Set it with `pulumi config set {'--secret ' if each.secret else ''}{name} ...`"
            " or in the environment.",
        )
        for name, each in consumed.items()
        if found[name] is None
    )
    return found


def lookup(parameter: Parameter, values: Mapping[str, pulumi.Input[Any]]) -> Any:
    """Return a parameter's value, see `given`, or None where it has none."""
    config = pulumi.Config()
    name = parameter.name
    secret = parameter.secret or pulumi.runtime.is_config_secret(config.full_key(name))
    value: Any = values.get(name)
    if value is None and name not in SETTINGS:
        value = config.get_secret(name) if secret else config.get(name)
    if value is None:
        value = os.environ.get(name)
    if value is None:
        return None
    if parameter.type == "list" and isinstance(value, str):
        value = value.split(",")
    return pulumi.Output.secret(value) if secret else value


def content(value: Any) -> Any:
    """Return a resource, or what it holds, as nested data with its tokens."""
    if is_dataclass(value) and not isinstance(value, TOKENS):
        return {each.name: content(getattr(value, each.name)) for each in fields(value)}
    return value


def _joined(separator: str, parts: list[Any]) -> Any:
    if all(isinstance(part, str) for part in parts):
        return separator.join(parts)
    return pulumi.Output.all(*parts).apply(separator.join)


def _apply(value: Any, change: Callable[[Any], Any]) -> Any:
    return value.apply(change) if isinstance(value, pulumi.Output) else change(value)


def _has_output(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_output(item) for item in value.values())
    if isinstance(value, list):
        return any(_has_output(item) for item in value)
    return isinstance(value, pulumi.Output)
