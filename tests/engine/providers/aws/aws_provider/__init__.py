"""A test provider: the types of `pulumi_aws` that this project registers, against a moto server.

The engine talks to it as to Pulumi's AWS provider. Each type is a table (`types/`) of the calls
that Terraform's resource of that type makes. The calls are made by boto3 to `AWS_ENDPOINT_URL`, so
what the program says is judged three times, and what it builds can be read back:

- `schema` holds names and types of properties against the classes of the installed `pulumi_aws`;
- `translation` holds values against the enumerations of the service;
- botocore judges each parameter of each call.

A property that no call takes is an error, never dropped.

What of the real provider is not imitated:

- its own checks of values (ranges, patterns), its defaults and its default tags;
- waiting: a service of ECS counts as steady when it exists;
- a resource that is created in part: what was created is deleted again, where the real provider
  keeps it as tainted;
- a refresh: it sees that a resource is gone, its outputs and its tags, but no other property.

What moto leaves out is not seen by a test either: `dativo_infra.adapters.cloudformation.local.GAPS`
says what that is.
"""
