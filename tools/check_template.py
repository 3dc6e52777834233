"""Check what linters miss in the expanded template: check_template.py cfn.json

Schedules, filter patterns, policies, log groups, environment variables against the settings
that shared/config reads, and parameters and conditions that nothing uses.
"""

import json
import re
import sys

FUNCTIONS = {
    "WebhookFunction": "Webhook",
    "PollerFunction": "Poller",
    "NotifierFunction": "Notifier",
    "ApiFunction": "API",
}
# Variables with which a function's secrets can be given instead of Parameter Store.
SECRETS = {
    "WebhookFunction": {"WABAWATCH_APP_SECRETS", "WABAWATCH_VERIFY_TOKEN"},
    "PollerFunction": {"WABAWATCH_APP_SECRETS", "WABAWATCH_ACCESS_TOKEN"},
    "NotifierFunction": set(),
    "ApiFunction": {"WABAWATCH_API_TOKEN"},
}
RATE = re.compile(r"rate\((1 (minute|hour|day)|([2-9]|[1-9][0-9]+) (minutes|hours|days))\)")

problems = []


def problem(where, what):
    problems.append(f"{where}: {what}")


def settings(struct, source):
    """The variables that a struct of shared/config reads, those of embedded ones included."""
    body = re.search(r"^type %s struct \{\n(.*?)^\}" % struct, source, re.S | re.M).group(1)
    names = set(re.findall(r'`env:"([A-Z0-9_]+)', body))
    for embedded in re.findall(r"^\t([A-Z]\w+)$", body, re.M):
        names |= settings(embedded, source)
    return names


def statements(role):
    for policy in role["Properties"].get("Policies", []):
        yield from policy["PolicyDocument"]["Statement"]


def as_list(value):
    return value if isinstance(value, list) else [value]


def main(path):
    with open(path, encoding="utf-8") as f:
        template = json.load(f)
    with open("shared/config/config.go", encoding="utf-8") as f:
        source = f.read()
    resources = template["Resources"]

    for name, struct in FUNCTIONS.items():
        function = resources[name]["Properties"]
        has = set(function["Environment"]["Variables"])
        reads = settings(struct, source) - {"AWS_REGION"}
        if name == "NotifierFunction":
            reads -= {"AWS_ENDPOINT_URL_SSM"}  # it has no secrets
        else:
            reads -= {"AWS_ENDPOINT_URL_SNS"}  # it publishes nothing
        wants = reads | SECRETS[name]
        for variable in sorted(wants - has):
            problem(name, f"does not set {variable}, which the code reads")
        for variable in sorted(has - wants):
            problem(name, f"sets {variable}, which the code does not read")
        if function["Handler"] != "bootstrap" or function["Runtime"] != "provided.al2023":
            problem(name, "is not a bootstrap on provided.al2023")
        group = function["LoggingConfig"]["LogGroup"]["Ref"]
        if "RetentionInDays" not in resources[group]["Properties"]:
            problem(group, "keeps logs for ever")
        if function["Role"]["Fn::GetAtt"][0] != name + "Role":
            problem(name, "shares its role")

    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::IAM::Role":
            for statement in statements(resource):
                for action in as_list(statement["Action"]):
                    if "*" in action:
                        problem(name, f"allows {action}")
                for target in as_list(statement["Resource"]):
                    text = json.dumps(target)
                    if "*" in text and text != '{"Fn::Sub": "${Table.Arn}/stream/*"}':
                        problem(name, f"allows {statement['Action']} on {text}")
        if resource["Type"] == "AWS::Scheduler::Schedule":
            if not RATE.fullmatch(properties["ScheduleExpression"]):
                problem(name, f"has the schedule {properties['ScheduleExpression']}")
            json.loads(properties["Target"]["Input"])
            if "RetryPolicy" not in properties["Target"] or "DeadLetterConfig" not in properties["Target"]:
                problem(name, "repeats 185 times, or gives up without a trace")
        if resource["Type"] == "AWS::Lambda::EventSourceMapping":
            for rule in properties["FilterCriteria"]["Filters"]:
                pattern = json.loads(rule["Pattern"])
                if pattern["eventName"] != ["INSERT"]:
                    problem(name, "lets in more than inserts; expiries arrive as removals")
            for needed in ("MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "DestinationConfig", "FunctionResponseTypes"):
                if needed not in properties:
                    problem(name, f"has no {needed}: one bad record blocks the rest for a day")
        if resource["Type"] == "AWS::SNS::Subscription" and "RedrivePolicy" not in properties:
            problem(name, "has no RedrivePolicy")
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            if properties.get("AlarmActions") != [{"Ref": "OpsTopic"}] or "TreatMissingData" not in properties:
                problem(name, "tells nobody, or does not say what missing data means")
        if resource["Type"] == "AWS::ApiGatewayV2::Stage":
            text = properties["AccessLogSettings"]["Format"]
            if "querystring" in text.lower() or "overwrite" in text or not isinstance(json.loads(text), dict):
                problem(name, "logs more than it should")

    body = {k: v for k, v in template.items() if k not in ("Parameters", "Metadata")}
    text = json.dumps(body)
    for parameter in template["Parameters"]:
        if f'{{"Ref": "{parameter}"}}' not in text and "${%s}" % parameter not in text:
            problem(parameter, "is a parameter that nothing uses")
    interface = template["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [p for g in interface["ParameterGroups"] for p in g["Parameters"]]
    if sorted(grouped) != sorted(template["Parameters"]) or sorted(interface["ParameterLabels"]) != sorted(template["Parameters"]):
        problem("Metadata", "does not name every parameter exactly once")
    for condition in template["Conditions"]:
        if f'"{condition}"' not in json.dumps({k: v for k, v in body.items() if k != "Conditions"}) + json.dumps(list(template["Conditions"].values())):
            problem(condition, "is a condition that nothing uses")

    for line in problems:
        print(line, file=sys.stderr)
    if problems:
        sys.exit(1)
    print(f"{path}: {len(resources)} resources, nothing found that linters would miss")


main(sys.argv[1])
