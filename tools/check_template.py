"""Check what linters miss in the expanded template: check_template.py cfn.json

Schedules, filter patterns, policies function by function, log groups, what happens to failures,
alarms, environment variables against the settings that shared/config reads, and parameters and
conditions that nothing uses.
"""

import json
import re
import sys

# Functions, with the struct of shared/config that each parses.
FUNCTIONS = {
    "WebhookFunction": "Webhook",
    "PollerFunction": "Poller",
    "NotifierFunction": "Notifier",
    "ApiFunction": "API",
}
# Secrets that each may read, under the path in the parameter SecretsPath.
SECRETS = {
    "WebhookFunction": {"app-secrets", "verify-token"},
    "PollerFunction": {"app-secrets", "access-token"},
    "NotifierFunction": set(),
    "ApiFunction": {"api-token"},
}
READ = {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"}
WRITE = READ | {"dynamodb:PutItem", "dynamodb:ConditionCheckItem"}
STREAM = {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"}
PUBLISH = {"sns:Publish", "sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic"}
# The most that each role may do, by resource. Secrets are added from above.
MAY = {
    "WebhookFunctionRole": {"Table": WRITE},
    "PollerFunctionRole": {"Table": WRITE, "Table/index/todo": {"dynamodb:Query"}},
    "PollerFunctionMinuteRole": {"PollerFunction": {"lambda:InvokeFunction"}, "FailureQueue": {"sqs:SendMessage"}},
    "NotifierFunctionRole": {
        "Table": WRITE,
        "Table/index/todo": {"dynamodb:Query"},
        "Table.StreamArn": STREAM,
        "Table/stream/*": {"dynamodb:ListStreams"},
        "AlertTopic": PUBLISH,
        "OpsTopic": PUBLISH,
        "FailureQueue": {"sqs:SendMessage"},
    },
    "NotifierFunctionSweepRole": {"NotifierFunction": {"lambda:InvokeFunction"}, "FailureQueue": {"sqs:SendMessage"}},
    "ApiFunctionRole": {"Table": READ, "Table/index/view": {"dynamodb:Query"}},
}
MANAGED = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"  # writes logs
RATE = re.compile(r"rate\((1 (minute|hour|day)|([2-9]|[1-9][0-9]+) (minutes|hours|days))\)")
# Source: AWS, DynamoDB stream records as Lambda events, checked 2026-11.
RECORD = {"eventID", "eventName", "eventVersion", "eventSource", "awsRegion", "dynamodb", "eventSourceARN", "userIdentity"}
CHANGE = {"ApproximateCreationDateTime", "Keys", "NewImage", "OldImage", "SequenceNumber", "SizeBytes", "StreamViewType"}

problems = []


def problem(where, what):
    problems.append(f"{where}: {what}")


def as_list(value):
    return value if isinstance(value, list) else [value]


def of_type(resources, kind):
    return [(name, r, r.get("Properties", {})) for name, r in resources.items() if r["Type"] == kind]


def settings(struct, source):
    """The variables that a struct of shared/config reads, those of embedded ones included."""
    body = re.search(r"^type %s struct \{\n(.*?)^\}" % struct, source, re.S | re.M).group(1)
    names = set(re.findall(r'`env:"([A-Z0-9_]+)', body))
    for embedded in re.findall(r"^\t([A-Z]\w+)$", body, re.M):
        names |= settings(embedded, source)
    return names


def variable(secret):
    """The variable with which a secret can be given instead of Parameter Store."""
    return "WABAWATCH_" + secret.upper().replace("-", "_")


def functions(resources, source):
    for name, struct in FUNCTIONS.items():
        function = resources[name]["Properties"]
        has = set(function["Environment"]["Variables"])
        # A function has endpoints of the services it calls only; Lambda sets the region.
        unused = {"AWS_REGION", "AWS_ENDPOINT_URL_SNS" if SECRETS[name] else "AWS_ENDPOINT_URL_SSM"}
        wants = settings(struct, source) - unused | {variable(s) for s in SECRETS[name]}
        for v in sorted(wants - has):
            problem(name, f"does not set {v}, which the code reads")
        for v in sorted(has - wants):
            problem(name, f"sets {v}, which the code does not read")
        if function["Handler"] != "bootstrap" or function["Runtime"] != "provided.al2023":
            problem(name, "is not a bootstrap on provided.al2023")
        if function.get("LoggingConfig", {}).get("LogGroup", {}).get("Ref") not in resources:
            problem(name, "logs into a group that keeps logs for ever")
        if function["Role"]["Fn::GetAtt"][0] != name + "Role":
            problem(name, "shares its role")
    for name, _, _ in of_type(resources, "AWS::Lambda::Function"):
        if name not in FUNCTIONS:
            problem(name, "is a function that check_template.py does not know")


def log_groups(resources):
    for name, _, properties in of_type(resources, "AWS::Logs::LogGroup"):
        if "RetentionInDays" not in properties:
            problem(name, "keeps logs for ever")


def resource_name(target):
    """A resource of a policy in the words of MAY, or as JSON if it has none."""
    if not isinstance(target, dict) or len(target) != 1:
        return json.dumps(target)
    kind, value = next(iter(target.items()))
    if kind == "Ref":
        return value
    if kind == "Fn::GetAtt":
        return value[0] if value[1] == "Arn" else ".".join(value)
    if kind == "Fn::Sub" and isinstance(value, str):
        secret = re.fullmatch(r"arn:\$\{AWS::Partition\}:ssm:\$\{AWS::Region\}:\$\{AWS::AccountId\}:parameter\$\{SecretsPath\}/([a-z-]+)", value)
        if secret:
            return "secret " + secret.group(1)
        return value.replace("${Table.Arn}", "Table")
    return json.dumps(target)


def targets(resource):
    """The resources of a statement, both sides of a condition included."""
    for target in as_list(resource):
        if isinstance(target, dict) and "Fn::If" in target:
            yield from (t for t in target["Fn::If"][1:] if t != {"Ref": "AWS::NoValue"})
        else:
            yield target


def policies(resources):
    for name, _, properties in of_type(resources, "AWS::IAM::Role"):
        may = dict(MAY.get(name, {}))
        for secret in SECRETS.get(name.removesuffix("Role"), set()):
            may["secret " + secret] = {"ssm:GetParameters"}
        for arn in properties.get("ManagedPolicyArns", []):
            if arn != MANAGED:
                problem(name, f"has the policy {arn}")
        for policy in properties.get("Policies", []):
            for statement in as_list(policy["PolicyDocument"]["Statement"]):
                if "Action" not in statement or "Resource" not in statement or statement["Effect"] != "Allow":
                    problem(name, f"has a statement that is not simply allowed actions on resources: {json.dumps(statement)}")
                    continue
                for target in targets(statement["Resource"]):
                    called = resource_name(target)
                    for action in as_list(statement["Action"]):
                        if action not in may.get(called, set()):
                            problem(name, f"allows {action} on {called}")


def schedules(resources):
    for name, _, properties in of_type(resources, "AWS::Scheduler::Schedule"):
        target = properties["Target"]
        if not RATE.fullmatch(properties["ScheduleExpression"]):
            problem(name, f"has the schedule {properties['ScheduleExpression']}")
        try:
            json.loads(target.get("Input", ""))
        except ValueError:
            problem(name, "sends an input that is not JSON")
        if "RetryPolicy" not in target:
            problem(name, "repeats 185 times")
        failure_target(name, target.get("DeadLetterConfig", {}).get("Arn"))


def failure_target(name, target):
    if target != {"Fn::GetAtt": ["FailureQueue", "Arn"]}:
        problem(name, "gives up without a trace in FailureQueue")


def mappings(resources):
    for name, _, properties in of_type(resources, "AWS::Lambda::EventSourceMapping"):
        filters = properties.get("FilterCriteria", {}).get("Filters", [])
        if not filters:
            problem(name, "has no filter")
        for f in filters:
            pattern(name, f["Pattern"])
        for needed in ("MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "BisectBatchOnFunctionError"):
            if needed not in properties:
                problem(name, f"has no {needed}: one bad record blocks the rest for a day")
        if properties.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
            problem(name, "does not let the function say which records failed")
        failure_target(name, properties.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"))


def pattern(name, text):
    try:
        parsed = json.loads(text)
    except ValueError:
        problem(name, f"has a filter that is not JSON: {text}")
        return
    if parsed.get("eventName") != ["INSERT"]:
        problem(name, "lets in more than inserts; expiries arrive as removals")
    for unknown in sorted(set(parsed) - RECORD) + sorted(set(parsed.get("dynamodb", {})) - CHANGE):
        problem(name, f"filters by {unknown}, which records do not have")

    def leaves(value, path):
        if isinstance(value, dict):
            for key, inner in value.items():
                leaves(inner, f"{path}.{key}")
        elif not isinstance(value, list) or not value:
            problem(name, f"filters {path} by something else than a list")

    leaves(parsed, "record")


def asynchronous(resources):
    """Schedules invoke without waiting: what then fails is repeated and must end somewhere."""
    configured = {}
    for name, _, properties in of_type(resources, "AWS::Lambda::EventInvokeConfig"):
        configured[properties["FunctionName"]["Ref"]] = (name, properties)
    for schedule, _, properties in of_type(resources, "AWS::Scheduler::Schedule"):
        function = properties["Target"]["Arn"]["Fn::GetAtt"][0]
        if function not in configured:
            problem(function, f"is invoked by {schedule}, and nothing says what becomes of its failures")
            continue
        name, invoke = configured[function]
        if invoke.get("MaximumRetryAttempts") != 0:
            failure_target(name, invoke.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"))


def subscriptions(resources):
    topics = set()
    for name, _, properties in of_type(resources, "AWS::SNS::Subscription"):
        failure_target(name, properties.get("RedrivePolicy", {}).get("deadLetterTargetArn"))
        topics.add(properties["TopicArn"]["Ref"])
    policy = json.dumps(resources["FailureQueuePolicy"]["Properties"])
    for topic in sorted(topics):
        if json.dumps({"Ref": topic}) not in policy:
            problem("FailureQueuePolicy", f"does not take what {topic} could not deliver")


def alarms(resources):
    for name, _, properties in of_type(resources, "AWS::CloudWatch::Alarm"):
        if properties.get("AlarmActions") != [{"Ref": "OpsTopic"}]:
            problem(name, "tells nobody")
        if properties.get("OKActions", [{"Ref": "OpsTopic"}]) != [{"Ref": "OpsTopic"}]:
            problem(name, "tells its end to somebody else")
        if "TreatMissingData" not in properties:
            problem(name, "does not say what missing data means")
    if "cloudwatch.amazonaws.com" not in json.dumps(resources["OpsTopicPolicy"]):
        problem("OpsTopicPolicy", "does not let alarms in")


def access_log(resources):
    for name, _, properties in of_type(resources, "AWS::ApiGatewayV2::Stage"):
        text = properties["AccessLogSettings"]["Format"]
        if "querystring" in text.lower() or "overwrite" in text or not isinstance(json.loads(text), dict):
            problem(name, "logs more than it should")
        if not {"ThrottlingRateLimit", "ThrottlingBurstLimit"} <= set(properties.get("DefaultRouteSettings", {})):
            problem(name, "lets in as much as the account does")


def unused(template):
    body = {k: v for k, v in template.items() if k not in ("Parameters", "Metadata")}
    text = json.dumps(body)
    for parameter in template["Parameters"]:
        if f'{{"Ref": "{parameter}"}}' not in text and "${%s}" % parameter not in text:
            problem(parameter, "is a parameter that nothing uses")
    interface = template["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [p for g in interface["ParameterGroups"] for p in g["Parameters"]]
    if sorted(grouped) != sorted(template["Parameters"]) or sorted(interface["ParameterLabels"]) != sorted(template["Parameters"]):
        problem("Metadata", "does not name every parameter exactly once")
    outside = json.dumps({k: v for k, v in body.items() if k != "Conditions"}) + json.dumps(list(template["Conditions"].values()))
    for condition in template["Conditions"]:
        if f'"{condition}"' not in outside:
            problem(condition, "is a condition that nothing uses")


def main(path):
    with open(path, encoding="utf-8") as f:
        template = json.load(f)
    with open("shared/config/config.go", encoding="utf-8") as f:
        source = f.read()
    resources = template["Resources"]
    functions(resources, source)
    for check in (log_groups, policies, schedules, mappings, asynchronous, subscriptions, alarms, access_log):
        check(resources)
    unused(template)
    for line in problems:
        print(line, file=sys.stderr)
    if problems:
        sys.exit(1)
    print(f"{path}: {len(resources)} resources, nothing found that linters would miss")


main(sys.argv[1])
