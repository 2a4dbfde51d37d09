"""Terraform and OpenTofu: units as root modules, written as files or deployed.

`synth` writes roots, `synth_tfvars` variable files alone; `learn` reads the modules of teams; the
package `deploy` is the only place that runs the binary.
"""

from dativo_infra.adapters.terraform.module import learn
from dativo_infra.adapters.terraform.synth import synth, synth_tfvars

__all__ = ["learn", "synth", "synth_tfvars"]
