variable "tenant_id" {
  type = string
}

variable "environment" {
  type = string
}

variable "kubernetes_namespace" {
  type        = string
  description = "Namespace of the job's pods."
}

variable "kubernetes_labels" {
  type    = map(string)
  default = {}
}

variable "kubernetes_annotations" {
  type    = map(string)
  default = {}
}

variable "tags" {
  type        = map(string)
  description = "Tags of the job, with those of its identity; as annotations."
}

variable "service_account" {
  type    = string
  default = "default"
}

variable "machine_type" {
  type        = string
  default     = null
  description = "Machine type of a node pool, in a cluster of Google Cloud."
}

variable "resource_requests_cpu" {
  type    = string
  default = null
}

variable "resource_requests_memory" {
  type    = string
  default = null
}

variable "resource_limits_cpu" {
  type    = string
  default = null
}

variable "resource_limits_memory" {
  type    = string
  default = null
}

variable "enable_network_policy" {
  type    = bool
  default = true
}

variable "registry_password" {
  type        = string
  default     = null
  sensitive   = true
  description = "Password of the image registry; given by the environment, never by the job file."
}
