terraform {
  required_version = ">= 1.4"
}

# In place of kubernetes_namespace.
resource "terraform_data" "namespace" {
  input = {
    name        = var.kubernetes_namespace
    labels      = var.kubernetes_labels
    annotations = merge(var.kubernetes_annotations, var.tags)
  }
}

# In place of kubernetes_limit_range.
resource "terraform_data" "limits" {
  input = {
    namespace = terraform_data.namespace.output.name
    requests  = [var.resource_requests_cpu, var.resource_requests_memory]
    limits    = [var.resource_limits_cpu, var.resource_limits_memory]
  }
}

# In place of kubernetes_secret.
resource "terraform_data" "registry" {
  count = var.registry_password == null ? 0 : 1
  input = { namespace = var.kubernetes_namespace, password = var.registry_password }
}

# In place of kubernetes_network_policy.
resource "terraform_data" "network_policy" {
  count = var.enable_network_policy ? 1 : 0
  input = { namespace = terraform_data.namespace.output.name }
}
