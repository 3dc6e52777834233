"""Expand a SAM template to CloudFormation, without network: sam_transform.py template.yaml > cfn.json"""

import json
import os
import sys

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # the translator wants one
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoManagedPolicies:
    """Stands for the call to IAM that lists AWS's own policies; the template names none."""

    def load(self):
        return {}


def main(path):
    with open(path, encoding="utf-8") as f:
        template = yaml_parse(f.read())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/key"  # as after packaging
    template.get("Globals", {}).get("Function", {}).pop("CodeUri", None)
    json.dump(transform(template, {}, NoManagedPolicies()), sys.stdout, indent=1)


main(sys.argv[1])
