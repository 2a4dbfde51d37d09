"""What the roles of tasks on ECS may touch is a list, and nothing stands outside of it.

The list is for people: read it as what a job's roles can do. A resource with a wildcard needs a
page of AWS that says why it cannot be narrower.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import cases
import pytest

from dativo_infra.resources.iam import IamRole
from dativo_infra.values import show

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_AUTHORIZATION = "https://docs.aws.amazon.com/service-authorization/latest/reference/"
_ECS = f"{_AUTHORIZATION}list_amazonelasticcontainerservice.html"
_SECRETS = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/"


def here(service: str, name: str) -> str:
    """Return the pattern of an ARN in the account and region that is deployed to."""
    return f"arn:<partition>:{service}:<region>:<account_id>:{name}"


LATE = r"\$\{\w+\}"
NAME = rf"([\w.-]+|{LATE})"
CLUSTER = rf"(<cluster\.name>|{NAME}|split\({LATE}, '/'\)\[-1\])"
CLUSTER_ARN = rf"(<cluster\.arn>|{LATE}|arn:\S+:ecs:\S+:cluster/[\w-]+)"
ROLE = rf"({LATE}|arn:(aws[a-z-]*|<partition>):iam::(\d{{12}}|<account_id>):role/[\w+=,.@/-]+)"
SECRET = rf"({LATE}|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{{12}}:secret:[\w/+=.@-]+)"


@dataclass(frozen=True, kw_only=True, eq=False)
class Grant:
    """What a role may do, and with what; patterns stand for names."""

    role: str
    actions: tuple[str, ...]
    resource: str
    condition: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Operator to key to the pattern of its value; a key may be a pattern, too."""
    wide: str = ""
    """Where AWS says that the resource cannot be named in full."""


GRANTS = (
    # ECS itself, to start a task: the image, its logs and its secrets.
    Grant(
        role="execution-role",
        actions=("ecr:GetAuthorizationToken",),
        resource=r"\*",
        wide=f"{_AUTHORIZATION}list_amazonelasticcontainerregistry.html: no resource types",
    ),
    Grant(
        role="execution-role",
        actions=(
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:GetDownloadUrlForLayer",
        ),
        resource=r"arn:<partition>:ecr:[a-z0-9-]+:\d{12}:repository/[\w./-]+",
    ),
    Grant(
        role="execution-role",
        actions=("logs:CreateLogStream", "logs:PutLogEvents"),
        resource=here("logs", r"log-group:<log-group\.name>:\*"),
        wide=f"{_AUTHORIZATION}list_amazoncloudwatchlogs.html: the streams of one group",
    ),
    Grant(
        role="execution-role",
        actions=("secretsmanager:GetSecretValue",),
        resource=r"<secret-[a-z0-9-]+\.arn>",
    ),
    # The agent of a machine, in its own cluster.
    Grant(
        role="machine-role",
        actions=("ecs:DiscoverPollEndpoint",),
        resource=r"\*",
        wide=f"{_ECS}: no resource types",
    ),
    Grant(
        role="machine-role",
        actions=(
            "ecs:DeregisterContainerInstance",
            "ecs:RegisterContainerInstance",
            "ecs:SubmitAttachmentStateChanges",
            "ecs:SubmitContainerStateChange",
            "ecs:SubmitTaskStateChange",
        ),
        resource=r"<cluster\.arn>",
    ),
    Grant(
        role="machine-role",
        actions=("ecs:Poll", "ecs:StartTelemetrySession", "ecs:UpdateContainerInstancesState"),
        resource=here("ecs", r"container-instance/<cluster\.name>/\*"),
        condition={"ArnEquals": {"ecs:cluster": r"<cluster\.arn>"}},
        wide=f"{_ECS}: a machine of the cluster gets its id when it registers",
    ),
    Grant(
        role="machine-role",
        actions=("ec2:AttachVolume",),
        resource=here("ec2", r"volume/vol-[0-9a-f]+"),
    ),
    Grant(
        role="machine-role",
        actions=("ec2:AttachVolume",),
        resource=here("ec2", r"instance/\*"),
        condition={"StringEquals": {r"aws:ResourceTag/.+": ".*"}},
        wide=f"{_AUTHORIZATION}list_amazonec2.html: a machine gets its id when it starts",
    ),
    # The scheduler, to start one task in one cluster.
    Grant(
        role="scheduler-role",
        actions=("ecs:RunTask",),
        resource=r"<task-definition\.arn>",
        condition={"ArnEquals": {"ecs:cluster": CLUSTER_ARN}},
    ),
    Grant(
        role="scheduler-role",
        actions=("ecs:TagResource",),
        resource=here("ecs", rf"task/{CLUSTER}/\*"),
        condition={"StringEquals": {"ecs:CreateAction": "RunTask"}},
        wide=f"{_ECS}: a task of the cluster gets its id when it starts",
    ),
    Grant(
        role="scheduler-role",
        actions=("iam:PassRole",),
        resource=rf"(<execution-role\.arn>|<task-role\.arn>|{ROLE})",
        condition={"StringEquals": {"iam:PassedToService": r"ecs-tasks\.amazonaws\.com"}},
    ),
    # The job itself.
    Grant(
        role="task-role",
        actions=("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"),
        resource=rf"arn:<partition>:s3:::{NAME}",
    ),
    Grant(
        role="task-role",
        actions=(
            "s3:AbortMultipartUpload",
            "s3:DeleteObject",
            "s3:GetObject",
            "s3:ListMultipartUploadParts",
            "s3:PutObject",
        ),
        resource=rf"arn:<partition>:s3:::{NAME}/\*",
        wide=f"{_AUTHORIZATION}list_amazons3.html: the objects of one bucket",
    ),
    Grant(role="task-role", actions=("secretsmanager:GetSecretValue",), resource=SECRET),
    Grant(
        role="task-role",
        actions=("secretsmanager:GetSecretValue",),
        resource=rf"{SECRET}-\?{{6}}",
        wide=f"{_SECRETS}auth-and-access_iam-policies.html: the six characters that AWS adds",
    ),
    Grant(
        role="task-role",
        actions=("kms:Decrypt",),
        resource=rf"({LATE}|arn:\S+:kms:[a-z0-9<>-]+:(\d{{12}}|<account_id>):key/[0-9a-f-]+)",
    ),
    Grant(
        role="task-role",
        actions=("kms:Decrypt",),
        resource=here("kms", r"key/\*"),
        condition={"ForAnyValue:StringEquals": {"kms:ResourceAliases": r"alias/[\w/-]+"}},
        wide="https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html: "
        "a policy cannot name a key by its alias but in a condition",
    ),
    Grant(
        role="task-role",
        actions=(
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
            "sqs:SendMessage",
        ),
        resource=rf"({LATE}|arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{{12}}:[\w.-]+)",
    ),
    Grant(
        role="task-role",
        actions=("elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"),
        resource=here("elasticfilesystem", "file-system/fs-[0-9a-f]+"),
        condition={
            "StringEquals": {
                "elasticfilesystem:AccessPointArn": here(
                    "elasticfilesystem", "access-point/fsap-[0-9a-f]+"
                )
            }
        },
    ),
    Grant(
        role="task-role",
        actions=(
            "elasticfilesystem:ClientMount",
            "elasticfilesystem:ClientRootAccess",
            "elasticfilesystem:ClientWrite",
        ),
        resource=here("elasticfilesystem", "file-system/fs-[0-9a-f]+"),
    ),
)

TRUSTED: Mapping[str, str] = {
    "execution-role": "ecs-tasks.amazonaws.com",
    "machine-role": "ec2.amazonaws.com",
    "scheduler-role": "scheduler.amazonaws.com",
    "task-role": "ecs-tasks.amazonaws.com",
}
"""Who takes on each role, and nobody else."""

WITHOUT_ACCOUNT: Mapping[str, str] = {
    "ec2.amazonaws.com": (
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/instance_IAM_role.html: a "
        "machine has the role by an instance profile, which is of the same account"
    ),
}
"""Services that take on a role without saying for which account, and why that is bearable."""

ACTIONS_WITH_STARS: Mapping[str, str] = {}
"""Actions that are several, each with the reason; none is needed."""

_WILD = re.compile(r"[*?]")


@dataclass(frozen=True, kw_only=True)
class Right:
    """One action on one resource."""

    role: str
    action: str
    resource: str
    condition: Mapping[str, Any]
    unit: str

    def __str__(self) -> str:
        condition = f" if {self.condition}" if self.condition else ""
        return f"{self.unit}: {self.role} may {self.action} on {self.resource}{condition}"


@cache
def roles() -> tuple[tuple[str, IamRole], ...]:
    """Return all roles of jobs on ECS and Fargate and of their clusters, with their units."""
    return tuple(
        (cases.label(unit), each)
        for unit in cases.units("pulumi")
        if unit.component.startswith("Ecs") and unit.identity.tenant != "by-hand"
        for each in unit.resources
        if isinstance(each, IamRole)
    )


@cache
def rights() -> tuple[Right, ...]:
    """Return all that these roles may do."""
    return tuple(right for unit, role in roles() for right in of_role(unit, role))


def of_role(unit: str, role: IamRole) -> Iterator[Right]:
    """Yield what a role may do."""
    for policy in role.policies.values():
        for statement in show(policy)["Statement"]:
            left = {"Effect", "Action", "Resource", "Condition"} | set(statement)
            assert left == {"Effect", "Action", "Resource", "Condition"}, statement
            assert statement["Effect"] == "Allow"
            for action in statement["Action"]:
                for resource in statement["Resource"]:
                    yield Right(
                        role=role.key,
                        action=action,
                        resource=resource,
                        condition=statement.get("Condition", {}),
                        unit=unit,
                    )


def granted(right: Right) -> list[Grant]:
    """Return the entries of the list that a right is."""
    return [
        each
        for each in GRANTS
        if each.role == right.role
        and right.action in each.actions
        and re.fullmatch(each.resource, right.resource)
        and _holds(each.condition, right.condition)
    ]


def _holds(wanted: Mapping[str, Mapping[str, str]], found: Mapping[str, Any]) -> bool:
    """Return whether conditions are those of the list, none more and none less."""
    if wanted.keys() != found.keys():
        return False
    for operator, keys in wanted.items():
        rest = dict(found[operator])
        for key, value in keys.items():
            matching = [each for each in rest if re.fullmatch(key, each)]
            if not matching or not all(re.fullmatch(value, rest.pop(each)) for each in matching):
                return False
        if rest:
            return False
    return True


@pytest.mark.parametrize("run", ["service", "task", "schedule"])
def test_every_kind_of_run_has_an_example(run: str) -> None:
    """What is proven here is proven for what people copy: an example of each kind of run."""
    runs = {
        (job.get("runtime.platform"), job.variables.get("run", "service"))
        for job in cases.example_jobs()
        if job.get("runtime.platform") in {"ecs", "fargate"}
    }
    assert run in {each for _, each in runs}
    assert {platform for platform, _ in runs} == {"ecs", "fargate"}


def test_roles_may_do_what_is_listed_and_no_more() -> None:
    """Each action on each resource, with its condition, is one entry of the list."""
    assert len(rights()) > 100
    assert [str(each) for each in rights() if len(granted(each)) != 1] == []


def test_the_list_holds_nothing_that_is_not_given() -> None:
    """An entry that no role has is not in the list any longer, and neither is an action."""
    used = {(grant, right.action) for right in rights() for grant in granted(right)}
    listed = {(grant, action) for grant in GRANTS for action in grant.actions}
    assert [(grant.role, action) for grant, action in listed - used] == []


def test_a_resource_with_a_wildcard_has_a_reason() -> None:
    """No `*` and no `?` stands in a resource where AWS does not say that it must."""
    wild = [each for each in rights() if _WILD.search(each.resource)]
    assert wild
    for each in wild:
        (grant,) = granted(each)
        assert grant.wide.startswith("https://docs.aws.amazon.com/"), str(each)


def test_the_reasons_are_of_entries_with_wildcards() -> None:
    """An entry has a reason exactly where its pattern has a wildcard of IAM's own."""
    for each in GRANTS:
        assert bool(each.wide) == bool(re.search(r"\\[*?]", each.resource)), each


def test_no_action_is_several() -> None:
    """Actions are named one by one."""
    stars = {each.action for each in rights() if _WILD.search(each.action)}
    assert stars == set(ACTIONS_WITH_STARS)


def test_a_role_is_passed_to_one_service_alone() -> None:
    """Who may hand on a role may do so to the service that it is for."""
    passing = [each for each in rights() if each.action == "iam:PassRole"]
    assert passing
    for each in passing:
        assert set(each.condition["StringEquals"]) == {"iam:PassedToService"}, str(each)
        service = each.condition["StringEquals"]["iam:PassedToService"]
        role = re.fullmatch(r"<(.+)\.arn>", each.resource)
        assert service == TRUSTED[role[1] if role else "task-role"], str(each)


def test_roles_have_no_policies_of_others() -> None:
    """No role has a managed policy, which may come to allow more."""
    assert [unit for unit, role in roles() if role.managed_policy_arns] == []


def test_roles_trust_one_service_of_one_account() -> None:
    """Each role is for one service, which must act for the account that the role is in."""
    assert {role.key for _, role in roles()} == set(TRUSTED)
    for unit, role in roles():
        (statement,) = show(role.assume_role_policy)["Statement"]
        service = TRUSTED[role.key]
        assert statement["Effect"] == "Allow"
        assert statement["Action"] == "sts:AssumeRole", unit
        assert statement["Principal"] == {"Service": service}, unit
        condition = statement.get("Condition", {})
        if service in WITHOUT_ACCOUNT:
            assert condition == {}, unit
        else:
            assert condition["StringEquals"] == {"aws:SourceAccount": "<account_id>"}, unit
            arn = condition["ArnLike"]["aws:SourceArn"]
            assert arn.startswith("arn:<partition>:"), unit
            assert "<account_id>" in arn, unit


def test_what_is_attached_is_attached_to_own_machines() -> None:
    """A disk goes only to machines with all the tags that the role's own machines have."""
    attaching = [each for each in rights() if each.resource.endswith(":instance/*")]
    assert attaching
    for each in attaching:
        template = next(
            resource
            for resource in cases.unit_named("pulumi", each.unit).resources
            if resource.key == "launch-template"
        )
        tags: Mapping[str, Any] = getattr(template, "tags")  # noqa: B009 - of a launch template
        wanted = {f"aws:ResourceTag/{key}": value for key, value in show(tags).items()}
        assert each.condition == {"StringEquals": wanted}
        assert "aws:ResourceTag/dativo:job" in wanted


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"resource": "*"}, "any definition"),
        ({"action": "ecs:*"}, "any action"),
        ({"condition": {}}, "any cluster"),
        ({"condition": {"ArnEquals": {"ecs:cluster": "<cluster.arn>", "x": "y"}}}, "more said"),
        ({"role": "task-role"}, "another role"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_the_list_refuses_what_is_wider(change: dict[str, Any], wrong: str) -> None:
    """The judge is awake: a right that is a little wider is in no entry."""
    right = next(
        each
        for each in rights()
        if each.action == "ecs:RunTask" and "<cluster.arn>" in str(each.condition)
    )
    assert len(granted(right)) == 1
    fields = {name: getattr(right, name) for name in Right.__dataclass_fields__}
    assert granted(Right(**{**fields, **change})) == [], wrong
