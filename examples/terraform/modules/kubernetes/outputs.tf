output "kubernetes_namespace" {
  value = terraform_data.namespace.output.name
}

output "kubernetes_service_account" {
  value = var.service_account
}

output "registry_password" {
  value     = var.registry_password
  sensitive = true
}
