#!/usr/bin/env python3
"""Does for a stack on ministack what AWS does by itself and ministack 1.5.33 does not, each in a step with its reason. Nothing
here is about Fanfare: the steps read what was deployed. docs/decisions/0021 lists them.

    fill_gaps.py STACK        prints the API's address
"""

import json
import os
import sys

import boto3

stack = sys.argv[1]
cloudformation, gateway, functions, identities = (
    boto3.client(name) for name in ("cloudformation", "apigatewayv2", "lambda", "iam")
)


def physical_ids():
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    return {
        each["LogicalResourceId"]: each["PhysicalResourceId"]
        for page in pages
        for each in page["StackResourceSummaries"]
    }


def add_routes(resources, ids):
    """SAM turns the HttpApi events of functions into an OpenAPI document, the API's Body, which ministack does not read: its API
    has no route. Every operation of the document becomes a route to the integration it names."""
    count = 0
    for name, resource in resources.items():
        if resource["Type"] != "AWS::ApiGatewayV2::Api" or "Body" not in resource["Properties"]:
            continue
        integrations = {}
        for path, operations in resource["Properties"]["Body"]["paths"].items():
            for method, operation in operations.items():
                described = operation["x-amazon-apigateway-integration"]
                uri = described["uri"]["Fn::Sub"]
                if uri not in integrations:
                    integrations[uri] = add_integration(ids[name], described, ids)
                key = "$default" if path == "/$default" or path == "$default" else f"{wire_method(method)} {path}"
                gateway.create_route(ApiId=ids[name], RouteKey=key, Target=f"integrations/{integrations[uri]}")
                count += 1
    return count


def wire_method(method):
    return "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()


def add_integration(api_id, described, ids):
    """The document names the alias of a function, whose physical id is its ARN."""
    logical_id = described["uri"]["Fn::Sub"].split("/functions/${")[1].split("}/invocations")[0]
    created = gateway.create_integration(
        ApiId=api_id,
        IntegrationType="AWS_PROXY",
        IntegrationUri=ids[logical_id],
        PayloadFormatVersion=described["payloadFormatVersion"],
    )
    return created["IntegrationId"]


def make_concurrency_a_number():
    """A parameter of type Number stays text in ministack, and its poller cannot compare a mapping's MaximumConcurrency with a
    number: it would read no queue at all."""
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        maximum = mapping.get("ScalingConfig", {}).get("MaximumConcurrency")
        if maximum is not None:
            functions.update_event_source_mapping(
                UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": int(maximum)}
            )


def adapt_policies(resources, ids, adapt):
    """Has `adapt` change the statements of every role's policies."""
    for name in (name for name, each in resources.items() if each["Type"] == "AWS::IAM::Role"):
        for policy in identities.list_role_policies(RoleName=ids[name])["PolicyNames"]:
            document = identities.get_role_policy(RoleName=ids[name], PolicyName=policy)["PolicyDocument"]
            adapted = json.loads(json.dumps(document))
            for statement in adapted["Statement"]:
                adapt(statement)
            if adapted != document:
                identities.put_role_policy(RoleName=ids[name], PolicyName=policy, PolicyDocument=json.dumps(adapted))


def drop_encryption_context(statement):
    """Whether a call of KMS carries the context that a policy asks for, ministack does not know, and refuses it. The condition
    goes, the actions and the key stay."""
    if any("kms:EncryptionContext:" in key for keys in statement.get("Condition", {}).values() for key in keys):
        del statement["Condition"]


def name_batches(statement):
    """On AWS sqs:SendMessage allows SendMessageBatch; ministack wants an action of that name, which AWS does not have."""
    actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
    if "sqs:SendMessage" in actions:
        statement["Action"] = [*actions, "sqs:SendMessageBatch"]


def main():
    ids = physical_ids()
    resources = cloudformation.get_template(StackName=stack, TemplateStage="Processed")["TemplateBody"]["Resources"]
    count = add_routes(resources, ids)
    make_concurrency_a_number()
    adapt_policies(resources, ids, drop_encryption_context)
    adapt_policies(resources, ids, name_batches)
    print(f"added {count} routes", file=sys.stderr)
    (api_id,) = (ids[name] for name, each in resources.items() if each["Type"] == "AWS::ApiGatewayV2::Api")
    # The host name of ApiUrl needs a name server; ministack takes the same request under this path.
    print(f"{os.environ['AWS_ENDPOINT_URL']}/_aws/execute-api/{api_id}/$default")


main()
