variable "tenant_id" {
  type        = string
  description = "Tenant that the cluster belongs to."
}

variable "environment" {
  type        = string
  description = "Environment, such as dev or prod."
}

variable "aws_region" {
  type        = string
  default     = null
  description = "Region of the job's target; the provider's own where there is none."
}

variable "tags" {
  type        = map(string)
  description = "Tags of the job, with those of its identity; for every resource."
}

variable "instance_type" {
  type        = string
  description = "Machine type of the workers."
}

variable "instance_count" {
  type        = number
  default     = 2
  description = "Number of core nodes; the primary is extra."
}

variable "enable_autoscaling" {
  type    = bool
  default = false
}

variable "min_instances" {
  type    = number
  default = 1
}

variable "max_instances" {
  type    = number
  default = 10

  validation {
    condition     = var.max_instances <= 100
    error_message = "A cluster has at most 100 workers."
  }
}

variable "vpc_id" {
  type    = string
  default = null
}

variable "subnet_ids" {
  type = list(string)
}

variable "s3_bucket" {
  type        = string
  description = "Bucket that the job reads and writes."
}

variable "enable_spot_instances" {
  type    = bool
  default = false
}

variable "log_retention_days" {
  type    = number
  default = 90
}

variable "enable_encryption" {
  type    = bool
  default = true
}

variable "kms_key_alias" {
  type    = string
  default = null
}

variable "variables" {
  type        = map(any)
  default     = {}
  description = "Variables of the job that none of the above is for."
}
