"""Writes terraform_schemas.json: what Terraform's providers say of the types that we use.

Two repositories keep what `terraform providers schema -json` gives for each version of a provider,
one file a type; each version is a tag. For Databricks there is none, so its schema is read from the
bindings that HashiCorp generated of it, which do not tell what is computed from what is optional:

    git clone --depth 1 -b v6.47.0 https://github.com/lonegunmanb/terraform-aws-schema
    git clone --depth 1 -b v2.38.0 https://github.com/lonegunmanb/terraform-kubernetes-schema
    npm pack @cdktf/provider-databricks@15.16.1 && tar xf cdktf-provider-databricks-15.16.1.tgz
    python tests/conformance/write_terraform_schemas.py FOLDER_OF_ALL

Descriptions are left out. A type that the adapter begins to use is added to the list below.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent / "terraform_schemas.json"

VERSIONS = {"aws": "6.47.0", "databricks": "1.99.0", "kubernetes": "2.38.0"}
"""The versions of the providers above, which the file says."""

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
    "databricks_cluster",
    "databricks_instance_pool",
    "databricks_job",
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
BLOCKS = {
    "databricks_job": {"run_as", "schedule", "task"},
    "databricks_job.task": {"library", "new_cluster", "python_wheel_task"},
}
"""The blocks that are kept of types with hundreds of them."""
DATA_SOURCES = ("aws_caller_identity", "aws_partition", "aws_region")


def read(folder: Path, kind: str, type_: str) -> dict[str, Any]:
    """Return the block of a type from the clones in a folder."""
    provider, *words = type_.split("_")
    if provider == "databricks":
        return Bindings(folder / "package" / "lib" / "-".join(words)).resource(type_)
    name = provider + "".join(word.capitalize() for word in words)
    file = folder / f"terraform-{provider}-schema" / "generated" / kind / f"{name}.go"
    source = file.read_text()
    # A Go literal between backticks; one inside it is written as a sum of three literals.
    text = source[source.index("= `") + 3 : source.rindex("`\n\nfunc")]
    return without_words(json.loads(text.replace('` + "`" + `', "`"))["block"])


class Bindings:
    """The classes of one type in a package of bindings, as text."""

    def __init__(self, folder: Path) -> None:
        files = sorted(folder.rglob("*.js"))
        self._text = "\n".join(file.read_text() for file in files)
        self._structs = {
            match[1]: match[2]
            for match in re.finditer(
                r"^function (\w+)ToHclTerraform\(struct\) \{\n(.*?)^\}", self._text, _MULTILINE
            )
        }
        self._classes = {
            match[1].casefold(): match[2]
            for match in re.finditer(
                r"^class (\w+) extends \S+ \{\n(.*?)^\}", self._text, _MULTILINE
            )
        }

    def resource(self, type_: str) -> dict[str, Any]:
        """Return the block of the type."""
        (whole,) = (each for each in self._classes.values() if "synthesizeHclAttributes" in each)
        made = re.findall(r"get \w+\(\) \{\s+return this.get\w+Attribute\('(\w+)'\);", whole)
        block = self._block(type_, whole[whole.index("synthesizeHclAttributes") :], whole)
        for name in made:
            block["attributes"].setdefault(name, {"computed": True, "type": "string"})
        block["attributes"]["id"]["computed"] = True
        return block

    def _block(self, where: str, text: str, owner: str) -> dict[str, Any]:
        block: dict[str, Any] = {"attributes": {}, "block_types": {}}
        entries = r'(\w+): \{\s+value: (.+),\s+isBlock: (\w+),\s+type: "(\w+)",\s+.+: "(\w+)",'
        for name, value, is_block, collection, kind in re.findall(entries, text):
            camel = re.split(r"_(?=\w+[.)])|struct\.", value)[-1].split(".")[0].rstrip(")")
            optional = f"reset{camel[:1].upper()}{camel[1:]}()" in owner
            struct = re.search(r"(\w+)ToHclTerraform", value.replace("cdktf.", ""))
            if is_block == "false":
                type_ = _TYPES[kind]
                if isinstance(type_, list) and collection == "set":
                    type_ = ["set", *type_[1:]]
                flag = "optional" if optional else "required"
                block["attributes"][name] = {flag: True, "type": type_}
            elif struct and name in BLOCKS.get(where, {name}):
                several = "listMapper" in value
                block["block_types"][name] = {
                    "nesting_mode": "set" if collection == "set" else "list",
                    **({} if several else {"max_items": 1}),
                    **({} if optional else {"min_items": 1}),
                    "block": self._block(
                        f"{where}.{name}",
                        self._structs[struct[1]],
                        self._classes[f"{struct[1]}OutputReference".casefold()],
                    ),
                }
        return block


_MULTILINE = re.MULTILINE | re.DOTALL
_TYPES: dict[str, Any] = {
    "boolean": "bool",
    "number": "number",
    "string": "string",
    "stringList": ["list", "string"],
    "stringMap": ["map", "string"],
}


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
