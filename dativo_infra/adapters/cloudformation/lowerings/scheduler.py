"""Amazon EventBridge Scheduler.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Scheduler.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from troposphere import scheduler

from dativo_infra.adapters.cloudformation.lowerings.ecs import network, placement

if TYPE_CHECKING:
    from dativo_infra.adapters.cloudformation.values import Lower
    from dativo_infra.resources.scheduler import Schedule


def schedule(logical_id: str, resource: Schedule, value: Lower) -> scheduler.Schedule:
    """Return the `AWS::Scheduler::Schedule`, in the default group and named by CloudFormation."""
    return scheduler.Schedule(
        logical_id,
        Description=resource.description,
        ScheduleExpression=resource.expression,
        FlexibleTimeWindow=scheduler.FlexibleTimeWindow(Mode="OFF"),
        State="ENABLED",
        Target=scheduler.Target(
            Arn=value(resource.cluster),
            RoleArn=value(resource.role),
            EcsParameters=_task(resource, value),
            RetryPolicy=scheduler.RetryPolicy(
                MaximumRetryAttempts=resource.retries, MaximumEventAgeInSeconds=3600
            ),
        ),
    )


def _task(resource: Schedule, value: Lower) -> scheduler.EcsParameters:
    return scheduler.EcsParameters(
        TaskDefinitionArn=value(resource.task_definition),
        TaskCount=1,
        NetworkConfiguration=scheduler.NetworkConfiguration(
            AwsvpcConfiguration=scheduler.AwsVpcConfiguration(**network(resource, value))
        ),
        PropagateTags="TASK_DEFINITION",
        EnableECSManagedTags=True,
        **placement(resource, value, scheduler.CapacityProviderStrategyItem),
    )
