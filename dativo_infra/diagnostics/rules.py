"""The table of rules: one constant each, by number.

1xx reading files · 2xx the shape of a job · 3xx what a job says · 4xx the project file and
targets · 5xx jobs taken together · 6xx translating to a tool · 7xx deploying.
A code, once released, never gets another meaning.
"""

from __future__ import annotations

from dativo_infra.diagnostics import Rule, Severity

RULES: dict[str, Rule] = {}
"""Every rule by its code."""


def _rule(code: str, severity: Severity, summary: str, explanation: str, remedy: str = "") -> Rule:
    RULES[code] = Rule(
        code=code, severity=severity, summary=summary, explanation=explanation, remedy=remedy
    )
    return RULES[code]


_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

# --- 1xx: reading files -------------------------------------------------------------------------

UNREADABLE = _rule(
    "DI101",
    _ERROR,
    "The file cannot be read.",
    "The operating system refused to open or read the file. The other files are still checked.",
    "Check that the file exists and that you may read it.",
)
NOT_UTF8 = _rule(
    "DI102",
    _ERROR,
    "The file is not UTF-8 text.",
    "Job files are UTF-8, with or without a byte order mark. A file in another encoding would be "
    "misread without anybody noticing, so it is refused.",
    "Save the file as UTF-8.",
)
YAML_SYNTAX = _rule(
    "DI103",
    _ERROR,
    "The file is not valid YAML.",
    "The YAML parser stopped here. The mistake is often one line above: a missing colon, quote or "
    "bracket, or a tab used for indentation.",
    "Correct the line shown, or the one above it.",
)
DUPLICATE_KEY = _rule(
    "DI104",
    _ERROR,
    "A key is written twice in one mapping.",
    "YAML parsers keep the last of two equal keys and drop the other without a word, so a tag or a "
    "count would silently be lost.",
    "Keep one of the two.",
)
YAML_TAG = _rule(
    "DI105",
    _ERROR,
    "A YAML tag is used that is not plain data.",
    "Tags such as `!!python/object` make a parser run code or build objects. Job files are data: "
    "only the plain types (text, number, boolean, null, date, list, mapping) are read.",
    "Remove the tag and write the value as plain text, number, list or mapping.",
)
TOO_COMPLEX = _rule(
    "DI106",
    _ERROR,
    "The file is nested too deeply or grows too large.",
    "Nesting, size and what anchors expand to are bounded, so that one file cannot exhaust the "
    "memory of the machine that reads a fleet of them.",
    "Flatten the structure, or write the repeated part once and refer to it less often.",
)
SEVERAL_DOCUMENTS = _rule(
    "DI107",
    _ERROR,
    "The file holds several YAML documents.",
    "A job file is one document. What stands after a `---` line would be ignored by the runner.",
    "Put each job in a file of its own.",
)
EMPTY_FILE = _rule(
    "DI108",
    _ERROR,
    "The file is empty.",
    "There is nothing but white space and comments in it, so it describes no job.",
    "Write the job, or remove the file.",
)
NOT_A_JOB = _rule(
    "DI109",
    _ERROR,
    "The file is not a job.",
    "A job is a mapping with `tenant_id`, `source_connector_path`, `target_connector_path` and "
    "`asset_path`. In a folder, files that are no jobs are passed over and counted; a file that "
    "you name yourself must be one.",
    "Name a job file, or a folder of them.",
)
NO_FILES = _rule(
    "DI110",
    _ERROR,
    "Nothing was found there.",
    "A file, folder or pattern given as an argument matches no YAML file.",
    "Check the path; patterns with `*` need quotes when the shell must not expand them.",
)
KEY_NOT_TEXT = _rule(
    "DI111",
    _ERROR,
    "A key is not text.",
    "YAML reads an unquoted `on`, `yes`, `1` or a list as something other than text, and such a "
    "key names no field.",
    "Put the key in quotes.",
)
BAD_SCALAR = _rule(
    "DI112",
    _ERROR,
    "The value cannot be read as what it looks like.",
    "The text has the form of a number or a date, but it is none (too many digits, a 13th month).",
    "Put the value in quotes if text is meant.",
)
BAD_ENV_LINE = _rule(
    "DI113",
    _ERROR,
    "A line of the environment file cannot be understood.",
    "An environment file has lines `NAME=value`, comments after `#`, and empty lines. Values may "
    "stand in quotes. Nothing is evaluated.",
    "Write `NAME=value`.",
)

# --- 2xx: the shape of a job --------------------------------------------------------------------

MISSING_FIELD = _rule(
    "DI201",
    _ERROR,
    "A required field is missing.",
    "Every job names its tenant, its two connectors and its asset; without them the runner refuses "
    "the job.",
    "Add the field.",
)
WRONG_TYPE = _rule(
    "DI202",
    _ERROR,
    "The value has the wrong type.",
    "The field wants another type of value. A frequent case is a tag that looks like a number or a "
    "boolean: labels, tags and annotations are text, so it needs quotes.",
    "Write a value of the type that the field wants.",
)
WRONG_CHOICE = _rule(
    "DI203",
    _ERROR,
    "The value is none of those allowed.",
    "The field takes one of a fixed list of words.",
    "Use one of the words listed.",
)
OUT_OF_RANGE = _rule(
    "DI204",
    _ERROR,
    "The value is out of range.",
    "Counts of machines start at 1; texts that name something are not empty.",
    "Write a value within the range.",
)
UNKNOWN_KEY = _rule(
    "DI205",
    _WARNING,
    "The field is not known here.",
    "The infrastructure block has no such field at this place. It is most often a misspelling, and "
    "then what you meant does not happen.",
    "Correct or remove it.",
)
UNKNOWN_OUTER_KEY = _rule(
    "DI206",
    _NOTE,
    "The job has a field that the job schema does not list.",
    "Outside the infrastructure block everything belongs to the runner; this tool only passes it "
    "on.",
    "Nothing needs to be done if the runner knows the field.",
)
BAD_SUBSTITUTION = _rule(
    "DI207",
    _ERROR,
    "The ${...} cannot be understood.",
    "Inside the infrastructure block `${NAME}` stands for an environment variable and "
    "`${NAME:-text}` gives a default. Names are letters, digits and underscores. `$$` is a dollar "
    "sign. Nothing is evaluated.",
    "Write `${NAME}`, `${NAME:-default}`, or `$$` for a dollar sign.",
)
UNRESOLVED = _rule(
    "DI208",
    _NOTE,
    "A variable has no value here, and stays a parameter.",
    "The environment and the environment file do not say what `${NAME}` is. The field allows that: "
    "the value becomes a parameter of the template or stack and must be there at deployment.",
    "Set it in the environment or with `--env-file` to have it checked and filled in now.",
)
UNRESOLVED_FIELD = _rule(
    "DI209",
    _ERROR,
    "A variable has no value, and the field is needed now.",
    "Fields that choose what is built, count it or name it must be known when planning. `validate` "
    "reports this as a note, as the value may exist only where the job is deployed; `plan` and "
    "what follows it refuse.",
    "Set the variable in the environment or with `--env-file`, or give a default: "
    "`${NAME:-default}`.",
)
SECRET_IN_METADATA = _rule(
    "DI210",
    _ERROR,
    "A secret is used where everybody can read it.",
    "Tags, labels and annotations are shown in clear by every tool and console. A variable whose "
    "name looks like a secret (password, token, secret, key), or whose value is a URL with a "
    "password, cannot be used in them.",
    "Remove it, or rename the variable if it holds no secret.",
)

# --- 3xx: what a job says -----------------------------------------------------------------------

PLATFORM_AS_PROVIDER = _rule(
    "DI301",
    _WARNING,
    "`provider: databricks` is a platform, not a tool.",
    "The provider is the tool that owns the infrastructure: terraform, cloudformation, pulumi or "
    "manual. With a `cluster_id` the job refers to a cluster that exists, and is read as `manual`.",
    "Write `provider: manual`, or the tool that owns the cluster.",
)
COUNTS_DISAGREE = _rule(
    "DI302",
    _ERROR,
    "The counts contradict each other.",
    "It must hold that min_instances <= instance_count <= max_instances.",
    "Make min_instances <= instance_count <= max_instances.",
)
PLATFORM_NEEDS = _rule(
    "DI303",
    _ERROR,
    "The platform needs this field to be built.",
    "The tool that owns this job would have to invent the value, and would be wrong. Jobs that "
    "only refer to what exists (a `cluster_id`, or `provider: manual`) do not need it.",
    "Add the field.",
)
UNKNOWN_VARIABLE = _rule(
    "DI304",
    _WARNING,
    "The platform does not know this variable.",
    "`metadata.variables` is open, but where this tool builds the platform itself it can use only "
    "the variables it knows; this one does nothing.",
    "`dativo-infra explain PLATFORM` lists the variables of a platform.",
)
BAD_VARIABLE = _rule(
    "DI305",
    _ERROR,
    "The variable has a value that the platform cannot use.",
    "Each known variable has a type and sometimes a range or a list of choices.",
    "`dativo-infra explain PLATFORM` lists the variables of a platform.",
)
SUSPICIOUS_SHAPE = _rule(
    "DI306",
    _WARNING,
    "The identifier does not have the usual shape.",
    "Identifiers and ARNs have a known form. This one has another, and the cloud will probably "
    "refuse it; it is used as written.",
    "Compare it with the console of your cloud.",
)
BAD_NAME = _rule(
    "DI307",
    _ERROR,
    "The name is not allowed there.",
    "Kubernetes and the clouds restrict the length and the characters of names. A name that breaks "
    "the rule is refused at deployment.",
    "Use the characters and the length that the message names.",
)
BAD_LABEL = _rule(
    "DI308",
    _ERROR,
    "The label or annotation is not one that Kubernetes accepts.",
    "A key is an optional DNS prefix of at most 253 characters and `/`, then a name of at most 63; "
    "a label's value has at most 63 characters of letters, digits, `-`, `_` and `.`, and begins "
    "and ends with a letter or digit. Annotations have 256 KiB in all. Source: "
    "https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/",
    "Shorten it, or move free text to an annotation.",
)
BAD_TAG = _rule(
    "DI309",
    _ERROR,
    "The tag is not one that the cloud accepts.",
    "On AWS a key has 1 to 128 characters and a value at most 256: letters, digits, spaces and "
    "`_ . : / = + - @`; keys do not begin with `aws:`; a resource has at most 50. Databricks "
    "passes them on: on Azure without `< > % & \\ ? /` in keys, on Google Cloud as labels, in "
    "lower case and with letters, digits, `_` and `-` alone. On Kubernetes tags are labels and "
    "annotations, which know no such limits. Sources: "
    "https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html, "
    "https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources, "
    "https://cloud.google.com/resource-manager/docs/labels-overview",
    "Use the characters and the length that the message names.",
)
RESERVED_TAG = _rule(
    "DI310",
    _ERROR,
    "The tag is set by this tool.",
    "The identity tags say which tenant, environment and job a resource belongs to. A job that "
    "sets them itself would be billed and found as another.",
    "Remove the tag, or rename the identity tags in dativo-infra.yaml.",
)
REQUIRED_TAG = _rule(
    "DI311",
    _ERROR,
    "A tag that the project requires is missing.",
    "dativo-infra.yaml lists tags that every job's infrastructure must carry.",
    "Add the tag to metadata.tags.",
)
TAG_VALUE = _rule(
    "DI312",
    _ERROR,
    "The tag's value is not one that the project allows.",
    "dativo-infra.yaml lists the values that this tag may have.",
    "Use one of the values listed.",
)
UNKNOWN_OUTPUT = _rule(
    "DI313",
    _ERROR,
    "The expected output does not exist.",
    "Where this tool builds the infrastructure, an expected output must be one that the platform "
    "exports.",
    "`dativo-infra explain PLATFORM` lists the outputs of a platform.",
)
NO_PLATFORM = _rule(
    "DI314",
    _ERROR,
    "The job does not say on which platform it runs.",
    "Without `runtime.platform` nothing can be built.",
    "Add runtime.platform, or write `provider: manual`.",
)
SCHEDULE_MISSING = _rule(
    "DI315",
    _ERROR,
    "The job is to run on a schedule, but no schedule is given.",
    "`variables.run: schedule` needs `variables.schedule`, a cron expression.",
    'Add `schedule: "0 3 * * *"` to metadata.variables.',
)
DEFAULT_IMAGE = _rule(
    "DI316",
    _NOTE,
    "The default container image is used.",
    "The container runs the image that the edition of the defaults names. A team that builds its "
    "own image, or pins versions, says so in `variables.image`.",
    "Set metadata.variables.image to the image your team runs.",
)
STATE_LOST = _rule(
    "DI317",
    _WARNING,
    "An incremental job has no volume to keep its state on.",
    "Incremental cursors are local files under STATE_DIR. Without a volume each run starts from "
    "the beginning.",
    "Give runtime.storage.volume_id, or variables.state_volume_size.",
)
LITERAL_SECRET = _rule(
    "DI318",
    _WARNING,
    "A secret seems to be written out in the job file.",
    "The job file is copied into a ConfigMap that the pod mounts, which everybody who may read the "
    "namespace can read. The runner resolves `${NAME}` itself when the job starts.",
    "Write `${NAME}` in the file and keep the value in your secret manager.",
)

SEVERAL_RUNNERS = _rule(
    "DI319",
    _WARNING,
    "The long-running runner would run more than once.",
    "A runner starts the jobs of its configuration by the clock, one at a time for each tenant. "
    "Two runners know nothing of each other, so each starts every job, and their commits to the "
    "catalog meet.",
    "Let one task run: set instance_count: 1 without auto_scaling, or for ecs variables.tasks: 1.",
)

NO_CLUSTER = _rule(
    "DI320",
    _ERROR,
    "What `cluster_id` names is no cluster of the platform.",
    "The job's pod is told where the cluster is. On ray and dask `cluster_id` is the name of a "
    "RayCluster or a DaskCluster in the job's namespace, `namespace/name`, or an address; on spark "
    "it is the address of a master (spark://host:7077) or of Spark Connect (sc://host:15002). The "
    "Kubernetes cluster itself is named by the target's context.",
    "Write the name or the address, or remove cluster_id to have a cluster built.",
)
TOO_LITTLE_MEMORY = _rule(
    "DI321",
    _ERROR,
    "The container has less memory than what runs in it needs.",
    "Ray's object store is part of the container's memory. Spark's JVM takes 450 MiB at least, and "
    "384 MiB or two fifths of it are for what is outside the JVM, as Python is. Sources: "
    "https://docs.ray.io/en/latest/ray-core/scheduling/memory-management.html, "
    "https://spark.apache.org/docs/latest/running-on-kubernetes.html",
    "Give the container more memory, or ask for less of it.",
)
NO_DATABRICKS_WORKSPACE = _rule(
    "DI327",
    _ERROR,
    "It is not said which Databricks workspace is meant.",
    "Without its address, clusters and jobs would be made in whatever workspace the machine's "
    "environment or its .databrickscfg names, which is the right one only by accident. Credentials "
    "come from there, as Databricks' own tools read them: nowhere else may one be written. Source: "
    "https://docs.databricks.com/aws/en/dev-tools/auth/unified-auth",
    "Set databricks_host in the job's target in dativo-infra.yaml, or `pulumi config set "
    "databricks:host ADDRESS`, or give a provider in the program.",
)
OPEN_ENVIRONMENT = _rule(
    "DI328",
    _ERROR,
    "The value cannot stand in the environment of a cluster.",
    "Everybody who may look at the cluster reads its environment variables, and Databricks sets "
    "them by a shell, between single quotes. Source: "
    "https://docs.databricks.com/aws/en/compute/configure#environment-variables",
    "Keep a secret in a secret scope and write `{{secrets/SCOPE/KEY}}` in its place, as the whole "
    "value.",
)
DATABRICKS_TAG = _rule(
    "DI329",
    _WARNING,
    "Databricks has a tag of its own by that name.",
    "Databricks sets tags on all that it starts. On the machines and disks a tag of yours by one "
    "of their names is called x_ and that name instead, so reports do not find it. Source: "
    "https://docs.databricks.com/aws/en/admin/account-settings/usage-detail-tags",
    "Give the tag another name.",
)
MANY_DATABRICKS_TAGS = _rule(
    "DI330",
    _ERROR,
    "Databricks takes fewer tags than that.",
    "A cluster takes 45 custom tags, a pool 43, and a job 25, which it hands on to its clusters. "
    "Tags of identity count. Source: https://docs.databricks.com/api/workspace/jobs/create and "
    "https://docs.databricks.com/api/workspace/instancepools/create",
    "Remove tags from metadata.tags.",
)
NO_LOCAL_DISK = _rule(
    "DI331",
    _WARNING,
    "Machines of that type have no disk of their own.",
    "Databricks makes no cluster of machines without an instance store unless disks are asked for. "
    "By AWS's names a type has one where a `d` follows the generation, as in m5d. Source: "
    "https://docs.databricks.com/api/workspace/clusters/create (aws_attributes.ebs_volume_count)",
    "Set the variable ebs_volume_count, or choose a type with a disk, such as m5d.xlarge.",
)
OTHER_IDENTITY = _rule(
    "DI332",
    _ERROR,
    "Databricks on that cloud cannot run as the service account given.",
    "On AWS the machines take the ARN of an instance profile, on Google Cloud the e-mail of a "
    "service account. On each cloud a job, or a cluster for one user, runs as a principal of the "
    "workspace: a user's e-mail, or the application id of a service principal. Source: "
    "https://docs.databricks.com/api/workspace/jobs/create (run_as)",
    "Give one of them as runtime.service_account.",
)
OTHER_CLOUD = _rule(
    "DI334",
    _WARNING,
    "Parts of the job are of different clouds.",
    "Networks, accounts, buckets and keys have a form in each cloud. One of them has the form of "
    "another cloud than the job runs in, so what is built will probably not find it; it is used "
    "as written.",
    "Correct it, or say the cloud in the job's target in dativo-infra.yaml.",
)
NO_CLIENT_ID = _rule(
    "DI335",
    _ERROR,
    "A managed identity is named by what pods cannot use.",
    "Workload identity finds a managed identity by its client id, which its resource id does not "
    "tell. Source: https://azure.github.io/azure-workload-identity/docs/topics/"
    "service-account-labels-and-annotations.html",
    "Give the client id: az identity show --ids ID --query clientId",
)

TAG_IN_LABEL = _rule(
    "DI336",
    _WARNING,
    "The tag is lost or cut where the cloud knows labels only.",
    "Databricks passes tags on to Google Cloud as labels: in lower case, and without characters "
    "other than letters, digits, `_` and `-`. A label's key and value have at most 63 characters, "
    "and its key begins with a letter. Databricks itself shows the tag as written. Source: "
    "https://docs.databricks.com/gcp/en/admin/account-settings/usage-detail-tags",
    "Use lower-case letters, digits, `_` and `-`, at most 63 of them.",
)

# --- 4xx: the project file and targets ----------------------------------------------------------

OTHER_ACCOUNT = _rule(
    "DI401",
    _WARNING,
    "The identifier belongs to another account or region than the target.",
    "The job's target names one account (on Google Cloud a project, on Azure a subscription) and "
    "region, and the identifier another. That is rarely meant; use across accounts needs a policy "
    "on the other side too.",
    "Correct the identifier or the job's target in dativo-infra.yaml.",
)
WRONG_CLOUD = _rule(
    "DI402",
    _ERROR,
    "The platform does not exist on the target's cloud.",
    "EMR, ECS and Fargate are services of AWS alone; Databricks and the platforms on Kubernetes "
    "run on each cloud.",
    "Choose another platform or another target.",
)
UNKNOWN_SILENCED = _rule(
    "DI403",
    _ERROR,
    "The code cannot be silenced.",
    "Only the codes of warnings and notes can be silenced, and the code must exist.",
    "Name a code of a warning or a note.",
)
UNKNOWN_EDITION = _rule(
    "DI404",
    _ERROR,
    "There is no such edition of the defaults.",
    "An edition fixes defaults whose change would replace a cluster, such as the EMR release.",
    "Use one of the editions listed.",
)
SEVERAL_PROJECTS = _rule(
    "DI405",
    _ERROR,
    "The jobs belong to different projects.",
    "One run has one project file; the nearest dativo-infra.yaml above the jobs differs.",
    "Run once a project, or name the file with `--project`.",
)
NO_KUBERNETES_CONTEXT = _rule(
    "DI406",
    _ERROR,
    "It is not said which Kubernetes cluster is meant.",
    "Without a context the objects would go to whatever cluster the machine's kubeconfig names as "
    "the current one, which is the right one only by accident.",
    "Set kubernetes_context in the job's target in dativo-infra.yaml, or `pulumi config set "
    "kubernetes:context NAME`, or give a provider in the program.",
)
BAD_ACCOUNT = _rule(
    "DI407",
    _ERROR,
    "The target's account is none of its cloud.",
    "An account is what the target's cloud bills by: on AWS an account, twelve digits; on Google "
    "Cloud a project, by its id; on Azure a subscription, by its id.",
    "Copy it from the console of your cloud, and put digits in quotes.",
)

# --- 5xx: jobs taken together -------------------------------------------------------------------

SAME_IDENTITY = _rule(
    "DI501",
    _ERROR,
    "Two jobs have one identity.",
    "A job is known by tenant, environment and name (the file's stem, or `infrastructure.name`). "
    "Two with the same identity would build over each other. Jobs that mean to share one "
    "infrastructure say the same `infrastructure.name`.",
    "Give one of them another `infrastructure.name`, or both the same to share.",
)
UNIT_DISAGREES = _rule(
    "DI502",
    _ERROR,
    "Jobs that share one infrastructure disagree about it.",
    "Jobs with the same `infrastructure.name` are built once, so the fields that shape the "
    "infrastructure must be equal in all of them.",
    "Make the field equal in both files, or give one job another name.",
)
SHARED_DISAGREES = _rule(
    "DI503",
    _ERROR,
    "Jobs that name one shared thing disagree about it.",
    "A namespace or a service account exists once, whatever the number of jobs in it, so what "
    "they say about it must be equal.",
    "Make the field equal in both files, or use two namespaces.",
)
NOT_BUILT_YET = _rule(
    "DI504",
    _WARNING,
    "This version does not build that platform.",
    "The job is read and checked, but nothing is built for it.",
    "Refer to what exists with `cluster_id`, or leave the job to another tool.",
)
TWO_OWNERS = _rule(
    "DI505",
    _ERROR,
    "Two tools would own one thing.",
    "A shared thing such as a namespace is built by the tool that owns the jobs in it. Two tools "
    "would each create it, and each delete it under the other.",
    "Let one tool own all the jobs, or use two namespaces.",
)
NAMES_MEET = _rule(
    "DI506",
    _ERROR,
    "Two things would get one name.",
    "Two units would own one thing: by a name made from their identities, by a name that one had "
    "before (`former_names`), or by a Kubernetes object of one name in one cluster.",
    "Give one of them another name.",
)
CONTESTED = _rule(
    "DI507",
    _ERROR,
    "A shared thing is named by jobs outside the selection.",
    "A namespace or an account of one target belongs to one run. Where tenants or environments are "
    "deployed apart, each run would own it, and each delete it under the other.",
    "Select all jobs that name it together, or give them two namespaces or two targets.",
)

TWO_STARTERS = _rule(
    "DI508",
    _ERROR,
    "The jobs of one tenant would be started from two sides.",
    "The long-running runner (`run: service`) starts the jobs of its tenant one at a time, so that "
    "their commits to the catalog do not meet. A schedule of the platform (`run: schedule`) in the "
    "same tenant and environment knows nothing of it.",
    "Put the schedule into the runner's own configuration, or run no service for this tenant.",
)
TWO_RUNNERS = _rule(
    "DI509",
    _WARNING,
    "One tenant has several long-running runners.",
    "Each job with `run: service` has a runner of its own, and each runner starts the jobs of its "
    "configuration one at a time for each tenant, without knowing of the others.",
    "Let the jobs share one runner by the same infrastructure.name, give each a runner_config of "
    "its own, or use `run: task`.",
)
SHARED_REFUSES = _rule(
    "DI510",
    _WARNING,
    "What jobs share would refuse what one of them runs.",
    "A quota of a namespace on an amount (limits.cpu, ...) refuses pods that do not say how much "
    "of it they may use, those of the other jobs in the namespace, too. Source: "
    "https://kubernetes.io/docs/concepts/policy/resource-quotas/",
    "Set the field in every job of the namespace, or use two namespaces.",
)

# --- 6xx: translating to a tool -----------------------------------------------------------------

REFUSED = _rule(
    "DI601",
    _ERROR,
    "The tool cannot build this.",
    "Each tool has kinds of resources that it cannot express. Nothing is written for a run that "
    "contains one, since half an infrastructure is worse than none.",
    "Let a tool that can build it own the job.",
)
OVER_LIMIT = _rule(
    "DI602",
    _ERROR,
    "The result is over a limit of the tool.",
    "CloudFormation takes at most 500 resources, 200 parameters and 200 outputs a template, and "
    "1 MB of template. Source: "
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html",
    "Split the infrastructure by giving the jobs different names.",
)
UNSAFE_OUTPUT = _rule(
    "DI603",
    _ERROR,
    "The output folder is not one to write to.",
    "Files are written only inside the folder given, never through a link that leads out of it.",
    "Choose an empty folder, or one that an earlier run wrote.",
)
DYNAMIC_REFERENCE = _rule(
    "DI604",
    _ERROR,
    "The job contains what the tool would evaluate.",
    "CloudFormation replaces `{{resolve:...}}` in any value by a secret or a parameter of the "
    "account. Nothing a job contains is evaluated, so such a text is refused. Source: "
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html",
    "Remove it; to have a value filled in, write `${NAME}`.",
)

LATE_IN_MANIFEST = _rule(
    "DI605",
    _ERROR,
    "A manifest holds only what is known when it is written.",
    "Other tools have parameters, whose values are given at deployment. A Kubernetes manifest has "
    "none: what is applied is what stands in the file, so every `${NAME}` needs its value now.",
    "Give the value in the environment or by `--env-file`, or a default: `${NAME:-default}`.",
)
SECRET_IN_MANIFEST = _rule(
    "DI606",
    _ERROR,
    "A secret would stand in a manifest.",
    "Manifests are kept in Git and read by everybody who may look at it, and a Secret in one is "
    "not encrypted. So nothing is written for a job that has a secret in its block.",
    "Keep it in a secret manager, and name its ARN in `resources.secrets.secret_manager_arn`: the "
    "runner fetches it there. Or let Pulumi build the job, which encrypts it.",
)
OWNED_BESIDE = _rule(
    "DI607",
    _WARNING,
    "Two tools would own what the job builds.",
    "The job's `provider` builds the same objects that are written as manifests. Whoever comes "
    "last overwrites what the other did, and either deletes it under the other.",
    "Apply the manifests only if that tool does not build the job; then set `provider: manual`.",
)
NOTHING_TO_WRITE = _rule(
    "DI608",
    _ERROR,
    "No job is left to be written.",
    "Manifests are written for jobs that run in Kubernetes, and Stacks of the Pulumi Kubernetes "
    "Operator for those that Pulumi owns. None of the jobs given is one, so the files would be "
    "empty.",
    "Check the paths and `--tenant` and `--environment`.",
)
BAD_SOURCE = _rule(
    "DI613",
    _ERROR,
    "The source or the version of the Terraform module cannot be used.",
    "A registry address (`namespace/name/provider`) takes a version, a git repository a ref behind "
    "the folder in it, and archives and local paths none. Local paths begin with `./` or `../`, "
    "and are relative to the job file. Source: "
    "https://developer.hashicorp.com/terraform/language/modules/sources",
    "Correct module_source or module_version.",
)
BAD_BACKEND = _rule(
    "DI614",
    _ERROR,
    "The backend or the workspace of the Terraform state cannot be used.",
    "`backend_config` has the settings of the backend that keeps the state, and may say which by "
    "`type`. They are written to a file, so that no credential is among them. Source: "
    "https://developer.hashicorp.com/terraform/language/backend",
    "Correct backend_config or workspace.",
)
SHARED_STATE = _rule(
    "DI615",
    _ERROR,
    "Two jobs have one Terraform state.",
    "Backend, key and workspace say where a state is. Each of two roots with one state destroys "
    "what the other has built, since it is not in its own configuration.",
    "Give each its own key or workspace, or let them share by the same infrastructure.name.",
)
MODULE_UNREADABLE = _rule(
    "DI616",
    _ERROR,
    "The Terraform module cannot be read.",
    "The folder of the module is not there, has no configuration, or has one that cannot be "
    "parsed; or its source could not be fetched.",
    "Correct module_source; a local path is relative to the job file.",
)
MODULE_NOT_READ = _rule(
    "DI617",
    _NOTE,
    "The module was not read, so it is given what modules for Dativo jobs take by convention.",
    "Which variables a module has is read from its source: a local path always, another with "
    "`synth --get` and when it is deployed. A module that was not read is given the documented "
    "names and the job's variables; Terraform refuses what it does not have. Whether something is "
    "missing cannot be told.",
    "`dativo-infra synth --to terraform --get` fetches modules, and reads them.",
)
UNFILLED_INPUT = _rule(
    "DI618",
    _ERROR,
    "The Terraform module needs a variable that nothing in the job fills.",
    "A variable without a default must be given. The table of names in docs/terraform.md says "
    "which field fills which variable; any other is filled by metadata.variables.",
    "Set it in metadata.variables.",
)
UNKNOWN_INPUT = _rule(
    "DI619",
    _WARNING,
    "The Terraform module has no such variable.",
    "A variable of the job goes to the module's variable of the same name, else into the module's "
    "`variables` where it has that. This one goes nowhere.",
    "Correct or remove it, or add the variable to the module.",
)
BAD_INPUT = _rule(
    "DI620",
    _ERROR,
    "The variable cannot be given to a Terraform module.",
    "Names of a module's variables are letters, digits, `_` and `-`, and none that the module "
    "block has for itself, such as `source`. What tags the module's resources is made of "
    "metadata.tags and the tags of identity. JSON has no infinite numbers.",
    "Rename or remove it.",
)
BAD_ADDRESS = _rule(
    "DI621",
    _ERROR,
    "The expected output is none that a root module can give.",
    "An output of the job's module is written `output.name`, `name`, or `module.label.name`, which "
    "names the call of the module, too. What is in modules below cannot be reached from a root.",
    "Write `output.name`, and let the module have an output of that name.",
)
UNPINNED_MODULE = _rule(
    "DI622",
    _WARNING,
    "The Terraform module is not pinned to a version.",
    "Each run takes the newest version there is, so that a job changes without being changed.",
    "Set module_version.",
)
LOCAL_STATE = _rule(
    "DI623",
    _WARNING,
    "The Terraform state would be a file in the folder of the root.",
    "Without `backend_config` only this machine knows what was built, and without the file nobody "
    "does.",
    "Set backend_config.",
)
UNTAGGED_MODULE = _rule(
    "DI624",
    _WARNING,
    "The Terraform module takes no tags.",
    "What it builds can be found and billed only by the tags that it takes in a variable `tags`, "
    "`metadata_tags`, or on Google Cloud `labels`.",
    "Add the variable to the module.",
)
LATE_VALUE = _rule(
    "DI625",
    _ERROR,
    "A variable file cannot hold the value.",
    "A part of the value is known at deployment only. A variable file has plain values alone; a "
    "root that is written by `synth --to terraform` puts it together when it is applied.",
    "Set the variable in the environment or with `--env-file`.",
)

CLUSTER_OF_ANOTHER = _rule(
    "DI626",
    _WARNING,
    "One variable gives two tenants one cluster.",
    "Many job files say the same `${EMR_CLUSTER_ID}`, and each tenant has a cluster of its own. "
    "One environment file for several tenants lets the jobs of one run on the cluster of another.",
    "Give `--env-file` the folder that `dativo-infra output --all -o FOLDER` wrote: from it each "
    "job gets the values of its own tenant and environment.",
)

# --- 7xx: deploying -----------------------------------------------------------------------------

MISSING_PARAMETER = _rule(
    "DI701",
    _ERROR,
    "A parameter has no value.",
    "What is deployed needs the value, and neither `--param`, an environment file nor the "
    "environment has it. All that are missing are listed at once.",
    "Set it in the environment or with `--env-file`; with `--param` if it is no secret.",
)
DEPLOY_FAILED = _rule(
    "DI702",
    _ERROR,
    "The deployment failed.",
    "The cloud refused or failed to build the resource. What failed first is shown; what was "
    "cancelled because of it is not.",
    "Read the reason given; correct the job and deploy again.",
)
MISSING_PACKAGE = _rule(
    "DI703",
    _ERROR,
    "A Python package that the command needs is not installed.",
    "The tools' libraries are optional, so that a user of one need not install all.",
    "Install the extra that the message names.",
)
NO_CONNECTION = _rule(
    "DI704",
    _ERROR,
    "AWS cannot be asked.",
    "Before anything is done it is asked whose the credentials are. There are none, they are not "
    "accepted, no region is known, or the endpoint does not answer.",
    "Check the credentials, the region and `--endpoint-url`.",
)
OTHER_CREDENTIALS = _rule(
    "DI705",
    _ERROR,
    "The credentials are of another account than the target.",
    "The target in dativo-infra.yaml names an account. Nothing is deployed to another one by "
    "accident.",
    "Use credentials of the target's account, e.g. by AWS_PROFILE; where targets are in several "
    "accounts, choose the jobs of one with `--tenant` and `--environment`.",
)
REPLACEMENT = _rule(
    "DI706",
    _ERROR,
    "The change would replace or remove what holds data, or what something runs on.",
    "A replaced cluster ends what runs on it, and a replaced or removed bucket or log group is "
    "empty afterwards. CloudFormation and Pulumi's engine say which change does that; some "
    "CloudFormation can tell only during the update (perhaps). The stack was left as it is.",
    "Take the change back, or run again with `--allow-replacement`.",
)
STACK_BUSY = _rule(
    "DI707",
    _ERROR,
    "The stack is in the middle of another operation.",
    "Somebody else, or an earlier run that was interrupted, works on it, and a stack takes one "
    "operation at a time.",
    "Wait until it is done, and run again.",
)
CREATION_FAILED = _rule(
    "DI708",
    _ERROR,
    "An earlier creation of the stack failed.",
    "CloudFormation rolled it back: the stack is empty, takes no update, and can only be deleted. "
    "What failed then is shown with it.",
    "Correct what failed, and deploy with `--recreate-failed`, which deletes the empty stack and "
    "creates it again.",
)
STACK_BROKEN = _rule(
    "DI709",
    _ERROR,
    "The stack is in a state that takes no update.",
    "An operation on it failed in a way that CloudFormation leaves to people. Source: "
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html",
    "Correct what the stack's events say, and bring it to an end in the console.",
)
SKIPPED = _rule(
    "DI710",
    _ERROR,
    "The stack was left as it is.",
    "What it needs failed, what stands in one stack with it was refused, or the run ended before "
    "it was done.",
    "Correct what failed, and run again.",
)
DESTROY_FAILED = _rule(
    "DI711",
    _ERROR,
    "The stack could not be deleted.",
    "The cloud refused to delete the resource; often something else still uses it, or a bucket is "
    "not empty.",
    "Remove what keeps it, and run `dativo-infra destroy` again.",
)
NOT_DEPLOYED = _rule(
    "DI712",
    _ERROR,
    "The job is not deployed.",
    "Outputs are asked from the deployed stacks of the job and of what it shares, and one is not "
    "there, or was never created.",
    "Run `dativo-infra deploy` first.",
)
TEMPLATE_NEEDS_BUCKET = _rule(
    "DI713",
    _ERROR,
    "The template is too large for a request.",
    "CloudFormation takes at most 51,200 bytes with a request; a larger template is read from a "
    "bucket. Source: "
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html",
    "Name a bucket in the target's region with `--template-bucket`.",
)
NOT_AN_ENV_VALUE = _rule(
    "DI714",
    _ERROR,
    "The output cannot be written as a line of an environment file.",
    "Such a file has one line a value, and quotes that cannot be escaped; two outputs cannot have "
    "one name; and a secret is written to no file.",
    "Use `--format json`; ask for a secret with `pulumi stack output --show-secrets`.",
)
SHARED_PARTLY = _rule(
    "DI715",
    _ERROR,
    "A job begins to use what it shares with jobs that the run does not have.",
    "What is shared (an ECS cluster by `variables.cluster_name`) is made of what all its jobs say. "
    "A run that has some of them only keeps it as it is, and so cannot add a job to it.",
    "Deploy the jobs together once: give the folder that holds them all.",
)
FOREIGN_STACK = _rule(
    "DI716",
    _ERROR,
    "A stack of this name exists that this tool did not make.",
    "Stacks of CloudFormation are called by tenant, environment and name of their job, those of "
    "Pulumi by the environment. A stack of somebody else's is neither updated nor deleted.",
    "Give the job another infrastructure.name, name another stack of Pulumi with `--stack`, or "
    "remove the other stack.",
)
NO_PULUMI = _rule(
    "DI717",
    _ERROR,
    "The Pulumi CLI was not found.",
    "Jobs of Pulumi are deployed by its command line tool, which is no Python package. "
    "`dativo-infra doctor` tells which tools are there.",
    "Install it (https://www.pulumi.com/docs/install) and put it on PATH; the jobs of other tools "
    "alone: `--tool cloudformation`.",
)
PULUMI_REFUSED = _rule(
    "DI718",
    _ERROR,
    "Pulumi cannot work on the stack.",
    "Its CLI said why: often nobody is logged in to a backend, the passphrase of the stack's "
    "secrets is missing or wrong, or its settings cannot be read.",
    "Run `pulumi login`, set PULUMI_CONFIG_PASSPHRASE, or correct what is named.",
)
NO_TERRAFORM = _rule(
    "DI719",
    _ERROR,
    "Neither terraform nor tofu was found.",
    "Modules are fetched and roots are applied by Terraform's command line tool, or OpenTofu's, "
    "which is no Python package. `dativo-infra doctor` tells which tools are there.",
    "Install one (https://developer.hashicorp.com/terraform/install, "
    "https://opentofu.org/docs/intro/install) and put it on PATH, or name it with `--terraform`.",
)
STATE_MOVED = _rule(
    "DI720",
    _ERROR,
    "The Terraform state would be looked for in another place than it was left in.",
    "The backend of the job is another than the one that this root was deployed with. The state "
    "there would be empty, and everything would be built a second time.",
    "Run again with `--migrate-state`, which copies the state to the new backend.",
)
TERRAFORM_FAILED = _rule(
    "DI721",
    _ERROR,
    "Terraform refuses the root, or cannot work on its state.",
    "The program said why: often a provider or a module cannot be had, credentials are missing, "
    "somebody else holds the lock of the state, or the module refuses a value.",
    "Correct what is named, and run again.",
)
NO_WORKSPACE = _rule(
    "DI722",
    _ERROR,
    "The Terraform state has no such workspace.",
    "Terraform gives nothing, and no error, for a workspace that does not exist.",
    "Correct `workspace`, or run `dativo-infra deploy` first.",
)
MISSING_OUTPUT = _rule(
    "DI723",
    _ERROR,
    "An output that the job expects is not there.",
    "What is deployed gives no such output. Terraform keeps no output whose value is null.",
    "Correct `outputs`, or let what is deployed give the output.",
)
