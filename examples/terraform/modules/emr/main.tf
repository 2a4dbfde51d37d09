terraform {
  required_version = ">= 1.4"
}

locals {
  name = "${var.tenant_id}-${var.environment}"
}

# In place of aws_s3_bucket.
resource "terraform_data" "log_bucket" {
  input = {
    bucket         = "${local.name}-emr-logs"
    retention_days = var.log_retention_days
    tags           = var.tags
  }
}

# In place of aws_emr_cluster; the machine type of a cluster cannot be changed.
resource "terraform_data" "cluster" {
  input = {
    name          = local.name
    core_nodes    = var.instance_count
    scaling       = var.enable_autoscaling ? [var.min_instances, var.max_instances] : null
    subnet_ids    = var.subnet_ids
    vpc_id        = var.vpc_id
    region        = var.aws_region
    bucket        = var.s3_bucket
    log_bucket    = terraform_data.log_bucket.output.bucket
    spot          = var.enable_spot_instances
    kms_key_alias = var.enable_encryption ? var.kms_key_alias : null
    more          = var.variables
    tags          = var.tags
  }
  triggers_replace = [var.instance_type]
}
