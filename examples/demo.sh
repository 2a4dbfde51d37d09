#!/bin/sh
# The main job, step by step: what `make demo` shows. Needs no account and no network.
set -eu
bin=${BIN:-.venv/bin}
out=out/demo

step() {
  printf '\n== %s\n   $ dativo-infra %s\n\n' "$1" "$2"
  # shellcheck disable=SC2086 # the words are arguments
  "$bin/dativo-infra" $2
}

step "Check every job file" "validate examples/jobs"
step "Plan a job: an EMR cluster that Pulumi owns" "plan examples/jobs/acme/clickstream_emr.yaml"
step "Plan a job: a Ray cluster in Kubernetes" "plan examples/jobs/acme/embeddings_ray.yaml"
step "Plan a job: a service on Fargate that CloudFormation owns" \
  "plan examples/jobs/globex/prices_fargate.yaml"
step "Run the Pulumi components offline" "preview --offline examples/jobs"
step "Write CloudFormation templates" "synth --to cloudformation examples/jobs -o $out"
step "Once more: nothing changes" "synth --to cloudformation examples/jobs -o $out"
step "Write Terraform roots" "synth --to terraform examples/jobs -o $out/terraform"
step "Write Kubernetes manifests, and what Argo CD applies them by" \
  "synth --to manifests examples/jobs/globex -o $out/manifests --gitops argocd \
   --repo https://git.example.com/globex/jobs.git"

step "Preview what a deployment would change" \
  "preview --local examples/jobs/globex/prices_fargate.yaml"
step "Deploy to the embedded CloudFormation, and read the tags back" "deploy --local examples/jobs"

command -v pulumi > /dev/null ||
  printf '\nSkipped: `pulumi preview` of stacks/, as the Pulumi CLI is not installed.\n'
