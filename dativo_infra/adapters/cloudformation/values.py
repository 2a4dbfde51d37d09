"""Tokens and names in CloudFormation's form."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeAlias

import troposphere as cfn

from dativo_infra.resources.application_autoscaling import ScalableTarget, ScalingPolicy
from dativo_infra.resources.autoscaling import AutoScalingGroup
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
from dativo_infra.resources.logs import LogGroup
from dativo_infra.resources.s3 import S3Bucket
from dativo_infra.resources.scheduler import Schedule
from dativo_infra.resources.secretsmanager import SecretsManagerSecret
from dativo_infra.values import (
    Concat,
    Parameter,
    Pseudo,
    Ref,
    Select,
    Split,
    Token,
    resolve,
)

if TYPE_CHECKING:
    from dativo_infra.diagnostics import Location
    from dativo_infra.resources import Resource

Lower: TypeAlias = Callable[[Any], Any]
"""Gives nested data in CloudFormation's form."""

_PSEUDO = {
    "account_id": "AWS::AccountId",
    "region": "AWS::Region",
    "partition": "AWS::Partition",
}


def _attribute(name: str) -> Callable[[str], Any]:
    return lambda logical_id: cfn.GetAtt(logical_id, name)


def _cluster_arn(logical_id: str) -> Any:
    # AWS::EMR::Cluster returns no ARN; its form is in
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticmapreduce.html
    account = [cfn.Ref("AWS::Region"), ":", cfn.Ref("AWS::AccountId")]
    parts = ["arn:", cfn.Ref("AWS::Partition"), ":elasticmapreduce:", *account, ":cluster/"]
    return cfn.Join("", [*parts, cfn.Ref(logical_id)])


ATTRIBUTES: Mapping[type[Resource], Mapping[str, Callable[[str], Any]]] = {
    AutoScalingGroup: {"name": cfn.Ref, "arn": _attribute("AutoScalingGroupARN")},
    EcsCapacityProvider: {"name": cfn.Ref},
    EcsCluster: {"name": cfn.Ref, "arn": _attribute("Arn")},
    EcsClusterCapacityProviders: {},
    EcsService: {"name": _attribute("Name"), "arn": _attribute("ServiceArn")},
    EcsTaskDefinition: {"arn": cfn.Ref},
    EmrCluster: {
        "id": cfn.Ref,
        "arn": _cluster_arn,
        "master_public_dns": _attribute("MasterPublicDNS"),
    },
    EmrSecurityConfiguration: {"name": cfn.Ref},
    IamInstanceProfile: {"name": cfn.Ref, "arn": _attribute("Arn")},
    IamRole: {"name": cfn.Ref, "arn": _attribute("Arn")},
    LaunchTemplate: {"id": cfn.Ref, "latest_version": _attribute("LatestVersionNumber")},
    LogGroup: {"name": cfn.Ref},
    S3Bucket: {"name": cfn.Ref, "arn": _attribute("Arn")},
    ScalableTarget: {},
    ScalingPolicy: {},
    Schedule: {"name": cfn.Ref, "arn": _attribute("Arn")},
    SecretsManagerSecret: {"arn": cfn.Ref},
}
"""How each attribute of each kind is had from a resource's logical id.

Source: "Return values" of each type in
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/; `Ref` gives what the
type's schema calls its primary identifier, where that is one property.
"""


class Scope:
    """What the tokens of one template refer to; notes which parameters were really used."""

    def __init__(self, resources: Collection[Resource]) -> None:
        self.logical_ids: dict[str, str] = {each.key: logical_id(each.key) for each in resources}
        self.parameters: dict[Parameter, str] = {}
        """The parameters used so far, each with its name in the template."""
        self.origins: dict[Parameter, Location | None] = {}
        """The place in a job file that first made use of each parameter."""
        self.patterns: dict[Parameter, str] = {}
        """The regular expressions that parameters must match, of those that must one."""
        self._kinds = {each.key: type(each) for each in resources}

    def lower(self, value: Any, origin: Location | None = None) -> Any:
        """Return nested data with each token in CloudFormation's form.

        Args:
            value: Plain data and tokens; a `Ref` names a resource of this scope.
            origin: The place in a job file that the value stands for.
        """
        return resolve(value, lambda token: self._form(token, origin))

    def _form(self, token: Token, origin: Location | None) -> Any:
        match token:
            case Ref(key, attribute):
                return ATTRIBUTES[self._kinds[key]][attribute](self.logical_ids[key])
            case Parameter():
                return cfn.Ref(self._parameter(token, origin))
            case Pseudo(name):
                return cfn.Ref(_PSEUDO[name])
            case Concat(parts):
                # Fn::Join, as in Fn::Sub a plain `${` (policies have it) would need escaping.
                return cfn.Join("", self.lower(parts, origin))
            case Split(separator, text):
                return cfn.Split(separator, self.lower(text, origin))
            case Select(Split(separator, Parameter() as text) as items, -1):
                # Fn::Select cannot count from the end, so the parameter may have one separator.
                self.patterns[text] = f"[^{separator}]*{separator}[^{separator}]*"
                return cfn.Select(1, self.lower(items, origin))
            case Select(items, index):
                return cfn.Select(index, self.lower(items, origin))

    def _parameter(self, parameter: Parameter, origin: Location | None) -> str:
        if parameter not in self.parameters:
            name = parameter_name(parameter.name)
            # Parameters and resources share one name space, and one variable may be used as text
            # and as a list, which are two parameters.
            if name in (*self.logical_ids.values(), *self.parameters.values()):
                name += _digest(f"{parameter.name}:{parameter.type}")
            self.parameters[parameter] = name
            self.origins[parameter] = origin
        return self.parameters[parameter]


def logical_id(key: str) -> str:
    """Return a resource's logical id: `instance-role` becomes `InstanceRole`."""
    return _alphanumeric(key, lambda words: "-".join(words).lower())


def parameter_name(name: str) -> str:
    """Return a variable's name as a parameter: `EMR_CLUSTER_ID` becomes `EmrClusterId`."""
    return _alphanumeric(name, lambda words: "_".join(words).upper())


def output_name(name: str) -> str:
    """Return an export's name as an output: `emr_cluster_id` becomes `EmrClusterId`."""
    return _alphanumeric(name, lambda words: "_".join(words).lower())


_LONGEST = 200  # of the 255 that are allowed, so that hashes can be appended


def _alphanumeric(original: str, back: Callable[[list[str]], str]) -> str:
    """Return a name of letters and digits alone, as CloudFormation wants them.

    It depends on the original alone. Six digits of a hash are appended where the original cannot
    be had back from the name, so that no two originals meet.
    """
    words = re.findall("[A-Za-z0-9]+", original)
    name = "".join(word[:1].upper() + word[1:].lower() for word in words)[:_LONGEST]
    same = back(re.findall("[A-Z][a-z0-9]*", name)) == original
    return name if name and same else name + _digest(original)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:6]
