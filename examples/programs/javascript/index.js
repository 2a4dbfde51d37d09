// One EMR cluster. Its plugin needs Python with dativo-infra[pulumi] first on PATH.
"use strict";

const pulumi = require("@pulumi/pulumi");

// `pulumi package add` writes such a class for each component, with types.
class EmrCluster extends pulumi.ComponentResource {
    constructor(name, args, opts) {
        const outputs = { clusterId: undefined, logBucket: undefined, masterPublicDns: undefined };
        super("dativo:index:EmrCluster", name, { ...args, ...outputs }, opts, true);
    }
}

const cluster = new EmrCluster("orders", {
    tenantId: "acme",
    environment: "dev",
    compute: { instanceType: "m5.xlarge", instanceCount: 2 },
    network: { subnetIds: new pulumi.Config().requireObject("subnetIds") },
    tags: { CostCenter: "data-engineering" },
    // Variables have the names that they have in a job file.
    variables: { idle_timeout_minutes: 60 },
});

exports.clusterId = cluster.clusterId;
exports.logBucket = cluster.logBucket;
