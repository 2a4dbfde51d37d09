"""Writes terraform_schemas.json: what Terraform's providers say of the types that we use.

The source are two repositories that keep what `terraform providers schema -json` gives for each
version of a provider, one file a type; each version is a tag:

    git clone --depth 1 -b v6.47.0 https://github.com/lonegunmanb/terraform-aws-schema
    git clone --depth 1 -b v2.38.0 https://github.com/lonegunmanb/terraform-kubernetes-schema
    python tests/conformance/write_terraform_schemas.py FOLDER_OF_BOTH

Descriptions are left out. A type that the adapter begins to use is added to the list below.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent / "terraform_schemas.json"

VERSIONS = {"aws": "6.47.0", "kubernetes": "2.38.0"}
"""The versions of the clones above, which the file says."""

RESOURCES = (
    "aws_appautoscaling_policy",
    "aws_appautoscaling_target",
    "aws_autoscaling_group",
    "aws_cloudwatch_log_group",
    "aws_ecs_capacity_provider",
    "aws_ecs_cluster",
    "aws_ecs_cluster_capacity_providers",
    "aws_ecs_service",
    "aws_ecs_task_definition",
    "aws_emr_cluster",
    "aws_emr_managed_scaling_policy",
    "aws_emr_security_configuration",
    "aws_iam_instance_profile",
    "aws_iam_role",
    "aws_iam_role_policy",
    "aws_iam_role_policy_attachment",
    "aws_launch_template",
    "aws_s3_bucket",
    "aws_s3_bucket_lifecycle_configuration",
    "aws_s3_bucket_ownership_controls",
    "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_server_side_encryption_configuration",
    "aws_scheduler_schedule",
    "aws_secretsmanager_secret",
    "aws_secretsmanager_secret_version",
    "kubernetes_config_map_v1",
    "kubernetes_cron_job_v1",
    "kubernetes_deployment_v1",
    "kubernetes_job_v1",
    "kubernetes_limit_range_v1",
    "kubernetes_manifest",
    "kubernetes_namespace_v1",
    "kubernetes_network_policy_v1",
    "kubernetes_persistent_volume_claim_v1",
    "kubernetes_persistent_volume_v1",
    "kubernetes_resource_quota_v1",
    "kubernetes_role_binding_v1",
    "kubernetes_role_v1",
    "kubernetes_secret_v1",
    "kubernetes_service_account_v1",
    "kubernetes_service_v1",
)
DATA_SOURCES = ("aws_caller_identity", "aws_partition", "aws_region")


def read(folder: Path, kind: str, type_: str) -> dict[str, Any]:
    """Return the block of a type from the clones in a folder."""
    provider, *words = type_.split("_")
    name = provider + "".join(word.capitalize() for word in words)
    file = folder / f"terraform-{provider}-schema" / "generated" / kind / f"{name}.go"
    source = file.read_text()
    # A Go literal between backticks; one inside it is written as a sum of three literals.
    text = source[source.index("= `") + 3 : source.rindex("`\n\nfunc")]
    return without_words(json.loads(text.replace('` + "`" + `', "`"))["block"])


def without_words(block: dict[str, Any]) -> dict[str, Any]:
    """Return a block without its descriptions."""
    return {
        "attributes": {
            name: {key: item for key, item in each.items() if "descri" not in key}
            for name, each in block.get("attributes", {}).items()
        },
        "block_types": {
            name: {**each, "block": without_words(each["block"])}
            for name, each in block.get("block_types", {}).items()
        },
    }


def main(folder: Path) -> None:
    """Write the file."""
    lines = [f'{{"versions": {json.dumps(VERSIONS)}']
    for kind, types in (("resource", RESOURCES), ("data", DATA_SOURCES)):
        blocks = (f'"{each}": {_line(read(folder, kind, each))}' for each in types)
        lines.append(f',"{kind}": {{\n' + ",\n".join(blocks) + "}")
    TARGET.write_text("\n".join([*lines, "}", ""]))


def _line(block: dict[str, Any]) -> str:
    return json.dumps(block, sort_keys=True, separators=(",", ":"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
