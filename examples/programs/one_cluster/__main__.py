"""One EMR cluster in a network and with a role that the same program creates."""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws

from dativo_infra.adapters.pulumi import EmrCluster

# EMR's service role may use a network only if it carries this tag.
for_emr = {"for-use-with-amazon-emr-managed-policies": "true"}
vpc = aws.ec2.Vpc("network", cidr_block="10.0.0.0/16", enable_dns_hostnames=True, tags=for_emr)
subnet = aws.ec2.Subnet("machines", vpc_id=vpc.id, cidr_block="10.0.1.0/24", tags=for_emr)
trust = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
role = aws.iam.Role("machines", assume_role_policy=json.dumps(trust))

cluster = EmrCluster(
    "orders",
    {
        "tenant_id": "acme",
        "environment": "dev",
        "compute": {"instance_type": "m5.xlarge", "instance_count": 2},
        "network": {"vpc_id": vpc.id, "subnet_ids": [subnet.id]},
        "service_account": role.arn,
        "tags": {"CostCenter": "data-engineering"},
        "variables": {"idle_timeout_minutes": 60},
    },
)

pulumi.export("cluster_id", cluster.cluster_id)
pulumi.export("log_bucket", cluster.log_bucket)
