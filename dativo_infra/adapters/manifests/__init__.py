"""Kubernetes manifests: units as folders of YAML, and what applies them from a Git repository.

`synth` writes the objects of jobs that run in Kubernetes, for `kubectl apply -k`, and with `gitops`
those of Argo CD or Flux. `synth_stacks` writes Stacks of the Pulumi Kubernetes Operator, which
builds the jobs that Pulumi owns on any platform.
"""

from dativo_infra.adapters.manifests.synth import problems, synth, synth_stacks

__all__ = ["problems", "synth", "synth_stacks"]
