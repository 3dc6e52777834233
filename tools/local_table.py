"""Print the CreateTable call for the template's table: local_table.py cfn.json NAME

What DynamoDB Local does not have is left out: recovery, expiry by itself, tags of resources.
"""

import json
import sys

KEEP = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")


def main(path, name):
    with open(path, encoding="utf-8") as f:
        table = json.load(f)["Resources"]["Table"]["Properties"]
    call = {"TableName": name, **{k: table[k] for k in KEEP}}
    call["StreamSpecification"] = {"StreamEnabled": True, **table["StreamSpecification"]}
    json.dump(call, sys.stdout, indent=1)


main(*sys.argv[1:])
