"""What jobs say exists, made to exist in the embedded AWS, whose account is empty.

A stack that names a role, a subnet, a security group or a cluster of ECS which does not exist fails
there as it does in AWS.
"""

from __future__ import annotations

from dataclasses import fields
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from dativo_infra.values import Concat, Parameter, Select, Split

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import boto3

    from dativo_infra.planning.result import Unit


def create_roles(session: boto3.Session, arns: Iterable[str]) -> None:
    """Create the roles that jobs say exist, with their paths and no rights."""
    client = session.client("iam")
    for arn in dict.fromkeys(arns):
        path, _, name = arn.partition(":role")[2].rpartition("/")
        policy = '{"Version": "2012-10-17", "Statement": []}'
        client.create_role(RoleName=name, Path=f"{path}/", AssumeRolePolicyDocument=policy)


def create_references(
    session: boto3.Session, units: Iterable[Unit], parameters: Mapping[str, str]
) -> None:
    """Create the subnets, security groups and clusters that units name and do not build.

    Each in the region of the units that name it, with the id or name that they say.

    Args:
        session: A session of the embedded AWS.
        units: What is going to be deployed.
        parameters: Values by the names that jobs use.
    """
    wanted: dict[str | None, dict[str, dict[str, None]]] = {}
    for unit in units:
        for resource in unit.resources:
            for field in fields(resource):
                if kind := _KINDS.get(field.name):
                    names = _told(getattr(resource, field.name), parameters)
                    by_kind = wanted.setdefault(unit.target.region, {})
                    by_kind.setdefault(kind, {}).update(dict.fromkeys(names))
    for region, by_kind in wanted.items():
        _create_network(
            session.client("ec2", region_name=region),
            by_kind.get("subnet", ()),
            by_kind.get("security group", ()),
        )
        ecs = session.client("ecs", region_name=region)
        for name in {each.rpartition("/")[2] for each in by_kind.get("cluster", ())}:
            ecs.create_cluster(clusterName=name)


_KINDS: Mapping[str, str] = {
    "subnet_ids": "subnet",
    "security_group_ids": "security group",
    "additional_security_group_ids": "security group",
    "cluster": "cluster",
}
"""What is referred to, by the fields of resources that do so."""


def _create_network(client: Any, subnets: Iterable[str], groups: Iterable[str]) -> None:
    there = {each["SubnetId"] for each in client.describe_subnets()["Subnets"]}
    there |= {each["GroupId"] for each in client.describe_security_groups()["SecurityGroups"]}
    subnets = [each for each in subnets if each not in there]
    groups = [each for each in groups if each not in there]
    if not subnets and not groups:
        return
    space = ip_network("10.0.0.0/16")
    vpc = client.create_vpc(CidrBlock=str(space))["Vpc"]["VpcId"]
    zones = [each["ZoneName"] for each in client.describe_availability_zones()["AvailabilityZones"]]
    # An API takes no ids; they are put where moto throws dice for them.
    for number, (name, block) in enumerate(
        zip(subnets, space.subnets(new_prefix=28), strict=False)
    ):
        with patch("moto.ec2.models.subnets.random_subnet_id", return_value=name):
            client.create_subnet(
                VpcId=vpc, CidrBlock=str(block), AvailabilityZone=zones[number % len(zones)]
            )
    for name in groups:
        with patch("moto.ec2.models.security_groups.random_security_group_id", return_value=name):
            client.create_security_group(VpcId=vpc, GroupName=f"group-{name}", Description=name)


def _told(value: Any, given: Mapping[str, str]) -> Iterator[str]:
    """Yield the texts that a field says, as far as they are known and not built."""
    known = _known(value, given)
    if isinstance(known, str):
        yield known
    elif isinstance(known, list):
        yield from (each for each in known if isinstance(each, str))


def _known(value: Any, given: Mapping[str, str]) -> Any:
    match value:
        case str():
            return value
        case Parameter(name, "list"):
            return given[name].split(",") if name in given else None
        case Parameter(name):
            return given.get(name)
        case Concat(parts):
            texts = [_known(part, given) for part in parts]
            return "".join(texts) if all(isinstance(text, str) for text in texts) else None
        case Split(separator, text):
            known = _known(text, given)
            return known.split(separator) if isinstance(known, str) else None
        case Select(items, index):
            known = _known(items, given)
            return known[index] if isinstance(known, list) else None
        case list() | tuple():
            return [_known(each, given) for each in value]
        case _:
            return None
