"""The expanded template: least privilege, aliases, what must be private, alarms, parameters. Each test says a rule in its name."""

import json
import re
import unittest

from expanded import as_list, chosen, expand, of_type, references, source, text
from privileges import ROLES, STARS

SOURCE = source()
EXPANDED = expand()
RESOURCES = EXPANDED["Resources"]
FUNCTIONS = ("Publish", "Ingest", "Manage", "History", "Deliver", "Background", "Import", "Sweep")

# AWS's limits.
POLICY_BYTES_MAX = 20_480
VERSION_DESCRIPTION_CHARS_MAX = 256
ENVIRONMENT_BYTES_MAX = 4_096
PARAMETERS_MAX, RESOURCES_MAX, OUTPUTS_MAX = 200, 500, 200
DEPLOYMENT_ALARMS_MAX = 10


def statements(document):
    return as_list(document["Statement"])


def rows(statement):
    """One row for each action and resource."""
    condition = json.dumps(statement.get("Condition"), sort_keys=True)
    for action in as_list(statement["Action"]):
        for resource in as_list(statement["Resource"]):
            yield action, text(resource), condition


def role_documents():
    for name, role in of_type(EXPANDED, "AWS::IAM::Role").items():
        for policy in role["Properties"].get("Policies", []):
            yield name, policy["PolicyDocument"]


def resource_documents():
    for name, resource in RESOURCES.items():
        properties = resource.get("Properties", {})
        for member in ("PolicyDocument", "KeyPolicy"):
            if member in properties:
                yield name, properties[member]


class Privileges(unittest.TestCase):
    def test_every_role_may_do_what_the_table_says_and_nothing_else(self):
        found = {name: set() for name in of_type(EXPANDED, "AWS::IAM::Role")}
        for name, document in role_documents():
            for statement in statements(document):
                self.assertEqual(statement["Effect"], "Allow", name)
                self.assertNotIn("NotAction", statement)
                self.assertNotIn("NotResource", statement)
                found[name] |= set(rows(statement))
        expected = {}
        for name, table in ROLES.items():
            expected[name] = set()
            for actions, resource, *condition in table:
                condition = json.dumps(condition[0] if condition else None, sort_keys=True)
                expected[name] |= {(action, resource, condition) for action in actions.split()}
        self.assertEqual(set(found), set(expected))
        for name in expected:
            self.assertEqual(found[name] - expected[name], set(), f"{name} may do more than the table says")
            self.assertEqual(expected[name] - found[name], set(), f"{name} may do less than the table says")

    def test_no_role_takes_a_policy_that_is_not_written_here(self):
        for name, role in of_type(EXPANDED, "AWS::IAM::Role").items():
            self.assertEqual(role["Properties"].get("ManagedPolicyArns", []), [], name)

    def test_a_star_has_a_written_reason(self):
        found = set()
        for name, document in [*role_documents(), *resource_documents()]:
            for statement in statements(document):
                found |= {(name, action, to) for action, to, _ in rows(statement) if "*" in action or to == "*"}
        self.assertEqual(found, set(STARS))
        self.assertTrue(all(STARS.values()))

    def test_everybody_is_only_ever_refused(self):
        for name, document in resource_documents():
            for statement in statements(document):
                if text(statement["Principal"]) == "*" or "*" in str(statement["Principal"]):
                    self.assertEqual(statement["Effect"], "Deny", name)

    def test_a_service_acts_only_for_this_account(self):
        """Lambda assumes a role only for the function that names it; every other service could be asked by somebody else."""
        documents = [(name, each["Properties"]["AssumeRolePolicyDocument"]) for name, each in of_type(EXPANDED, "AWS::IAM::Role").items()]
        for name, document in [*documents, *resource_documents()]:
            for statement in statements(document):
                services = as_list(statement["Principal"].get("Service", [])) if isinstance(statement["Principal"], dict) else []
                for service in services:
                    if service != "lambda.amazonaws.com":
                        account = statement.get("Condition", {}).get("StringEquals", {}).get("aws:SourceAccount")
                        self.assertEqual(text(account), "${AWS::AccountId}", f"{name}: {service}")
        for name, permission in of_type(EXPANDED, "AWS::Lambda::Permission").items():
            self.assertIn("${AWS::AccountId}", text(permission["Properties"]["SourceArn"]), name)


class Functions(unittest.TestCase):
    def test_each_has_a_role_a_log_group_and_an_alarm_of_its_own(self):
        functions = of_type(EXPANDED, "AWS::Lambda::Function")
        self.assertEqual(set(functions), {f"{name}Function" for name in FUNCTIONS})
        for name in FUNCTIONS:
            properties = functions[f"{name}Function"]["Properties"]
            self.assertEqual(text(properties["Role"]), f"${{{name}Role.Arn}}")
            self.assertEqual(text(properties["LoggingConfig"]["LogGroup"]), f"${{{name}Logs}}")
            self.assertIn(f"{name}ErrorsAlarm", RESOURCES)

    def test_whatever_calls_one_calls_its_alias(self):
        callers = {}
        for name, each in RESOURCES.items():
            properties = each.get("Properties", {})
            match each["Type"]:
                case "AWS::Lambda::Permission" | "AWS::Lambda::EventSourceMapping":
                    callers[name] = [text(properties["FunctionName"])]
                case "AWS::Scheduler::Schedule":
                    callers[name] = [text(properties["Target"]["Arn"])]
                case "AWS::Lambda::EventInvokeConfig":
                    self.assertEqual(properties["Qualifier"], "live")
                case "AWS::ApiGatewayV2::Api":
                    uris = re.findall(r"functions/([^/]+)/invocations", json.dumps(properties["Body"]))
                    callers[name] = uris
                    self.assertGreater(len(uris), 50)
        called = set()
        for name, targets in callers.items():
            for target in targets:
                self.assertRegex(target, r"^\$\{\w+FunctionAliaslive\}$", name)
                called.add(target)
        self.assertEqual(called, {f"${{{name}FunctionAliaslive}}" for name in FUNCTIONS})

    def test_a_policy_of_an_alias_stays_below_its_limit(self):
        """With a long name of the stack; Lambda refuses the deployment otherwise."""
        bytes_of = {}
        for name, permission in of_type(EXPANDED, "AWS::Lambda::Permission").items():
            properties = permission["Properties"]
            alias = text(properties["FunctionName"])
            path = text(properties["SourceArn"]).split("${HttpApi}")[1]
            statement = {
                "Sid": f"{'s' * 40}-{name}-ABCDEFGHIJKL"[:100],
                "Effect": "Allow",
                "Principal": {"Service": "apigateway.amazonaws.com"},
                "Action": "lambda:InvokeFunction",
                "Resource": f"arn:aws:lambda:ap-southeast-1:123456789012:function:{'f' * 64}:live",
                "Condition": {"ArnLike": {"AWS:SourceArn": f"arn:aws:execute-api:ap-southeast-1:123456789012:abcdefghij{path}"}},
            }
            bytes_of[alias] = bytes_of.get(alias, 60) + len(json.dumps(statement, separators=(",", ":"))) + 1
        self.assertIn("${ManageFunctionAliaslive}", bytes_of)
        for alias, size in bytes_of.items():
            self.assertLess(size, POLICY_BYTES_MAX, f"{alias}: route several methods of a path together, see docs/decisions/0022")

    def test_an_environment_stays_below_its_limit(self):
        """With texts of 120 characters, and the longest numbers and choices."""
        parameters = SOURCE["Parameters"]

        def longest(value):
            if not isinstance(value, dict):
                return len(str(value))
            short = parameters.get(value.get("Ref"), {})
            return 12 if short.get("Type") == "Number" or "AllowedValues" in short else 120

        for name, function in of_type(EXPANDED, "AWS::Lambda::Function").items():
            variables = function["Properties"]["Environment"]["Variables"]
            size = sum(len(key) + longest(value) for key, value in variables.items())
            self.assertLess(size, ENVIRONMENT_BYTES_MAX, name)


class Deployments(unittest.TestCase):
    def test_a_number_or_a_choice_that_changes_makes_a_new_version(self):
        """A version keeps its environment; its description must therefore name what is in it, and nothing that is not: a new description
        without a new configuration is refused by Lambda."""
        parameters = SOURCE["Parameters"]
        for name, version in self.versions(EXPANDED).items():
            function = RESOURCES[name]["Properties"]
            used = references(function["Environment"]) & set(parameters)
            short = {each for each in used if parameters[each]["Type"] == "Number" or "AllowedValues" in parameters[each]}
            described = references(version["Properties"]["Description"])
            self.assertEqual(described, short | {"Release"}, name)
            self.assertIn("Release", references(function["Description"]), name)
            longest = 64 + sum(1 + self.longest(parameters[each]) for each in short)
            self.assertLessEqual(longest, VERSION_DESCRIPTION_CHARS_MAX, name)

    @staticmethod
    def longest(parameter):
        if "AllowedValues" in parameter:
            return max(len(str(each)) for each in parameter["AllowedValues"])
        return max(len(str(parameter["MaxValue"])), len("0.0001"))

    @staticmethod
    def versions(expanded):
        return {text(each["Properties"]["FunctionName"])[2:-1]: each for each in of_type(expanded, "AWS::Lambda::Version").values()}

    def test_other_code_and_another_property_make_a_new_version(self):
        def other_code(template):
            for resource in template["Resources"].values():
                if resource["Type"] == "AWS::Serverless::Function":
                    resource["Properties"]["CodeUri"] = "s3://bucket/other"

        def other_timeout(template):
            for resource in template["Resources"].values():
                if resource["Type"] == "AWS::Serverless::Function":
                    resource["Properties"]["Timeout"] = 17

        before = set(of_type(EXPANDED, "AWS::Lambda::Version"))
        self.assertEqual(len(before), len(FUNCTIONS))
        self.assertEqual(before, set(of_type(expand(), "AWS::Lambda::Version")), "a version that changes by itself")
        for change in (other_code, other_timeout):
            after = set(of_type(expand(change=change), "AWS::Lambda::Version"))
            self.assertEqual(len(after), len(FUNCTIONS))
            self.assertEqual(before & after, set(), change.__name__)

    def test_old_versions_stay_for_a_way_back(self):
        for name, version in of_type(EXPANDED, "AWS::Lambda::Version").items():
            self.assertEqual(version.get("DeletionPolicy"), "Retain", name)

    def test_every_alias_moves_as_asked_and_back_when_an_alarm_rings(self):
        for name in FUNCTIONS:
            alias = RESOURCES[f"{name}FunctionAliaslive"]
            update = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
            self.assertEqual(text(update["DeploymentGroupName"]), f"${{{name}FunctionDeploymentGroup}}")
            group = RESOURCES[f"{name}FunctionDeploymentGroup"]["Properties"]
            self.assertEqual(text(group["ServiceRoleArn"]), "${DeployRole.Arn}")
            self.assertIn("Canary10Percent5Minutes", json.dumps(group["DeploymentConfigName"]))
            self.assertIn("DEPLOYMENT_STOP_ON_ALARM", group["AutoRollbackConfiguration"]["Events"])
            alarms = [text(each["Name"]) for each in chosen(group["AlarmConfiguration"], {"HasAlarms"})["Alarms"]]
            self.assertIn(f"${{{name}ErrorsAlarm}}", alarms)
            self.assertLessEqual(len(alarms), DEPLOYMENT_ALARMS_MAX)
            self.assertEqual(chosen(group["AlarmConfiguration"], set()), {})

    def test_every_preference_is_one_that_codedeploy_knows(self):
        preferences = SOURCE["Parameters"]["DeploymentPreference"]["AllowedValues"]
        self.assertEqual(set(SOURCE["Mappings"]["Deployment"]), set(preferences))
        for preference in preferences:
            expanded = expand({"DeploymentPreference": preference})
            groups = of_type(expanded, "AWS::CodeDeploy::DeploymentGroup")
            self.assertEqual(len(groups), 0 if preference == "None" else len(FUNCTIONS), preference)
            for group in groups.values():
                config = group["Properties"]["DeploymentConfigName"]["Fn::Sub"]
                self.assertEqual(config, ["CodeDeployDefault.Lambda${ConfigName}", {"ConfigName": preference}])
            if not groups:
                self.assertFalse(any("CodeDeploy" in each["Type"] for each in expanded["Resources"].values()))
                self.assertFalse(any("UpdatePolicy" in each for each in of_type(expanded, "AWS::Lambda::Alias").values()))

    def test_nothing_refers_to_itself_in_a_circle(self):
        edges = {
            name: {each for each in references(resource) | set(as_list(resource.get("DependsOn", []))) if each in RESOURCES}
            for name, resource in RESOURCES.items()
        }
        done, path = set(), []

        def visit(name):
            if name in done:
                return
            self.assertNotIn(name, path, f"a circle: {path[path.index(name):] if name in path else ''}")
            path.append(name)
            for each in sorted(edges[name]):
                visit(each)
            path.pop()
            done.add(name)

        for name in edges:
            visit(name)


class Private(unittest.TestCase):
    def refuses_plain_http(self, document, resources):
        found = set()
        for statement in statements(document):
            plain = statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
            if plain and statement["Effect"] == "Deny" and statement["Principal"] == "*":
                self.assertIn(as_list(statement["Action"])[0].split(":")[1], ("*", "Publish"))
                found |= {text(each) for each in as_list(statement["Resource"])}
        self.assertLessEqual(set(resources), found)

    def test_every_queue_is_encrypted_and_refuses_plain_http(self):
        policies = of_type(EXPANDED, "AWS::SQS::QueuePolicy").values()
        by_queue = {text(queue): each["Properties"]["PolicyDocument"] for each in policies for queue in each["Properties"]["Queues"]}
        queues = of_type(EXPANDED, "AWS::SQS::Queue")
        self.assertEqual(set(by_queue), {f"${{{name}}}" for name in queues})
        for name, queue in queues.items():
            self.assertIs(queue["Properties"]["SqsManagedSseEnabled"], True)
            self.refuses_plain_http(by_queue[f"${{{name}}}"], [f"${{{name}.Arn}}"])
            if name != "DeadLetterQueue":
                self.assertEqual(text(queue["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]), "${DeadLetterQueue.Arn}")

    def test_a_queue_hides_a_message_for_six_times_its_functions_timeout(self):
        mappings = of_type(EXPANDED, "AWS::Lambda::EventSourceMapping").values()
        self.assertEqual(len(mappings), 4)
        for mapping in mappings:
            queue = RESOURCES[text(mapping["Properties"]["EventSourceArn"])[2:-1].split(".")[0]]
            function = RESOURCES[text(mapping["Properties"]["FunctionName"])[2:-1].removesuffix("Aliaslive")]
            self.assertGreaterEqual(queue["Properties"]["VisibilityTimeout"], 6 * function["Properties"]["Timeout"])
            self.assertIn("MaximumConcurrency", mapping["Properties"]["ScalingConfig"])

    def test_the_bucket_is_nobody_elses(self):
        (name, bucket), = of_type(EXPANDED, "AWS::S3::Bucket").items()
        properties = bucket["Properties"]
        self.assertEqual(set(properties["PublicAccessBlockConfiguration"].values()), {True})
        self.assertEqual(len(properties["PublicAccessBlockConfiguration"]), 4)
        self.assertEqual(properties["OwnershipControls"]["Rules"], [{"ObjectOwnership": "BucketOwnerEnforced"}])
        self.assertTrue(properties["BucketEncryption"]["ServerSideEncryptionConfiguration"])
        self.refuses_plain_http(RESOURCES["BucketPolicy"]["Properties"]["PolicyDocument"], [f"${{{name}.Arn}}", f"${{{name}.Arn}}/*"])

    def test_what_cannot_be_made_again_outlives_the_stack(self):
        for name in ("Table", "Bucket", "Key"):
            self.assertEqual((RESOURCES[name]["DeletionPolicy"], RESOURCES[name]["UpdateReplacePolicy"]), ("Retain", "Retain"))
        table = RESOURCES["Table"]["Properties"]
        self.assertIs(table["DeletionProtectionEnabled"], True)
        self.assertIs(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], True)
        self.assertIs(table["TimeToLiveSpecification"]["Enabled"], True)
        self.assertIs(RESOURCES["Key"]["Properties"]["EnableKeyRotation"], True)

    def test_every_log_is_forgotten_some_day(self):
        groups = of_type(EXPANDED, "AWS::Logs::LogGroup")
        self.assertEqual(len(groups), len(FUNCTIONS) + 1)
        for name, group in groups.items():
            self.assertEqual(group["Properties"]["RetentionInDays"], {"Ref": "LogRetentionDays"}, name)

    def test_the_api_is_logged_and_throttled(self):
        stage, = of_type(EXPANDED, "AWS::ApiGatewayV2::Stage").values()
        settings = stage["Properties"]["DefaultRouteSettings"]
        self.assertEqual(references(settings), {"ApiRateLimit", "ApiBurstLimit"})
        form = json.loads(re.sub(r"\$context\.[\w.]+", "1", stage["Properties"]["AccessLogSettings"]["Format"]))
        self.assertLessEqual({"requestId", "routeKey", "method", "status", "responseLatencyMs"}, set(form))


class Watching(unittest.TestCase):
    ALARMS = of_type(EXPANDED, "AWS::CloudWatch::Alarm")

    def test_an_alarm_tells_whoever_asked_to_be_told(self):
        for name, alarm in self.ALARMS.items():
            self.assertEqual(alarm["Condition"], "HasAlarms", name)
            for actions in ("AlarmActions", "OKActions"):
                of = lambda conditions: [text(each) for each in chosen(alarm["Properties"][actions], conditions)]
                self.assertEqual(of(set()), [], name)
                self.assertEqual(of({"HasAlarmTopic"}), ["${AlarmTopicArn}"], name)
                self.assertEqual(of({"HasAlarmEmail"}), ["${AlarmTopic}"], name)
                self.assertEqual(of({"HasAlarmTopic", "HasAlarmEmail"}), ["${AlarmTopicArn}", "${AlarmTopic}"], name)

    def test_an_alarm_says_what_it_means_where_to_look_and_what_helps(self):
        for name, alarm in self.ALARMS.items():
            self.assertTrue(name.endswith("Alarm"), name)
            description = alarm["Properties"]["AlarmDescription"]
            self.assertRegex(description, r"^[A-Z].*\. .*First look: .+ Fix: .+\.$", name)
            self.assertLessEqual(len(description), 1024)
            self.assertIn(alarm["Properties"]["TreatMissingData"], ("notBreaching", "breaching"), name)

    def test_what_alarms_cost_is_what_their_parameter_says(self):
        metrics = sum(
            len([each for each in alarm["Properties"].get("Metrics", []) if "MetricStat" in each]) or 1 for alarm in self.ALARMS.values()
        )
        said = SOURCE["Parameters"]["Alarms"]["Description"]
        self.assertIn(f"they are {len(self.ALARMS)} with {metrics} metrics", said)

    def test_thresholds_of_durations_are_those_of_the_functions(self):
        expression = self.ALARMS["NearTimeoutAlarm"]["Properties"]["Metrics"][0]["Expression"]
        timeouts = dict(re.findall(r"(\w+) / (\d+)", expression))
        self.assertEqual(set(timeouts), {"publish", "ingest", "manage", "history", "deliver"})
        for name, timeout_ms in timeouts.items():
            self.assertEqual(RESOURCES[f"{name.title()}Function"]["Properties"]["Timeout"] * 1000, int(timeout_ms), name)

    def test_the_dashboard_is_json_and_shows_every_function_and_queue(self):
        body = RESOURCES["StackDashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
        widgets = json.loads(body)["widgets"]
        shown = json.dumps(widgets)
        for name in FUNCTIONS:
            self.assertEqual(shown.count(f"${{{name}Function}}"), 5, name)
        for queue in of_type(EXPANDED, "AWS::SQS::Queue"):
            self.assertIn(f"${{{queue}.QueueName}}", shown)
        taken = set()
        for widget in widgets:
            cells = {(x, y) for x in range(widget["x"], widget["x"] + widget["width"]) for y in range(widget["y"], widget["y"] + widget["height"])}
            self.assertFalse(taken & cells, f"widgets lie on each other at {widget['x']}, {widget['y']}")
            self.assertLessEqual(widget["x"] + widget["width"], 24)
            taken |= cells


class Parameters(unittest.TestCase):
    def test_every_parameter_is_used_and_in_a_group(self):
        used = references({name: each for name, each in SOURCE.items() if name not in ("Parameters", "Metadata")})
        self.assertEqual(set(SOURCE["Parameters"]) - used, set())
        groups = SOURCE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        listed = [each for group in groups for each in group["Parameters"]]
        self.assertEqual(sorted(listed), sorted(SOURCE["Parameters"]))

    def test_every_parameter_says_what_it_is_and_what_it_may_be(self):
        for name, parameter in SOURCE["Parameters"].items():
            self.assertTrue(parameter.get("Description"), name)
            if parameter["Type"] == "Number" and "AllowedValues" not in parameter:
                self.assertIn("MinValue", parameter, name)
            if name != "JwtSecret":
                self.assertIn("Default", parameter, name)
        secrets = {name for name, parameter in SOURCE["Parameters"].items() if parameter.get("NoEcho")}
        self.assertEqual(secrets, {"JwtSecret"})
        for output in SOURCE["Outputs"].values():
            self.assertFalse(references(output) & secrets)

    def test_every_condition_decides_something(self):
        written = json.dumps({name: each for name, each in EXPANDED.items() if name != "Conditions"})
        for name in SOURCE["Conditions"]:
            among = json.dumps({each: value for each, value in SOURCE["Conditions"].items() if each != name})
            self.assertTrue(f'"{name}"' in written or f'"{name}"' in among, name)

    def test_nothing_is_reserved_by_default(self):
        """A new account may run ten functions at a time, and lets nobody reserve one of them."""
        for name, function in of_type(EXPANDED, "AWS::Lambda::Function").items():
            self.assertNotIn("ReservedConcurrentExecutions", chosen(function["Properties"], set()), name)
        for name in ("Publish", "Ingest", "Manage", "History"):
            self.assertEqual(SOURCE["Parameters"][f"{name}Concurrency"]["Default"], 0)
            properties = chosen(RESOURCES[f"{name}Function"]["Properties"], {f"Reserves{name}"})
            self.assertEqual(text(properties["ReservedConcurrentExecutions"]), f"${{{name}Concurrency}}")

    def test_the_stack_stays_below_cloudformations_limits(self):
        self.assertLess(len(SOURCE["Parameters"]), PARAMETERS_MAX)
        self.assertLess(len(RESOURCES), RESOURCES_MAX)
        self.assertLess(len(SOURCE["Outputs"]), OUTPUTS_MAX)
        self.assertLess(len(json.dumps(EXPANDED)), 1_000_000)


if __name__ == "__main__":
    unittest.main()
