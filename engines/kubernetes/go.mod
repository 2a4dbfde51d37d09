module dativo-infra/engines/kubernetes

go 1.24.0
