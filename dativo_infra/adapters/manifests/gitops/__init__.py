"""What applies the folder of manifests from a Git repository: one module a tool."""
