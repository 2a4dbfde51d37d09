output "emr_cluster_id" {
  value = "j-${upper(substr(replace(terraform_data.cluster.id, "-", ""), 0, 13))}"
}

output "emr_cluster_dns" {
  value = "${local.name}.emr.internal"
}

output "emr_master_public_dns" {
  value = "ec2-203-0-113-10.compute-1.amazonaws.com"
}

output "emr_log_bucket" {
  value = terraform_data.log_bucket.output.bucket
}
