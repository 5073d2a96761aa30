"""The template as CloudFormation gets it: expanded by SAM's own translator, with references written as text.

`expand(parameters)` gives the resources; values that refer to something become `${Table}`, `${Table.Arn}` or the text of
a `!Sub`, so that two of them can be compared. Conditions stay, see `chosen`.
"""

import json
import logging
import os
from pathlib import Path

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

TEMPLATE = Path(__file__).parents[3] / "template.yaml"

# The translator asks for a region, and warns of features that only the service can switch on.
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
logging.getLogger("samtranslator").setLevel(logging.ERROR)


def source():
    """The template as it is written."""
    return yaml_parse(TEMPLATE.read_text())


def expand(parameters=None, change=lambda template: None):
    """The whole expanded template. `change` may alter the written one before."""
    template = source()
    change(template)
    # `sam package` puts an address in the place of the folder.
    template["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"
    session = boto3.session.Session(region_name="us-east-1")
    translator = Translator({}, Parser(), boto_session=session)
    return translator.translate(template, {"JwtSecret": "x" * 32, **(parameters or {})})


def text(value):
    """A value as text, whatever it refers to."""
    if isinstance(value, dict) and len(value) == 1:
        (name, argument), = value.items()
        if name == "Ref":
            return "${%s}" % argument
        if name == "Fn::GetAtt":
            return "${%s}" % (argument if isinstance(argument, str) else ".".join(argument))
        if name == "Fn::Sub":
            if isinstance(argument, str):
                return argument
            pattern, names = argument
            for key, each in names.items():
                pattern = pattern.replace("${%s}" % key, text(each))
            return pattern
    return value if isinstance(value, str) else str(value)


def as_list(value):
    return value if isinstance(value, list) else [value]


def chosen(value, conditions):
    """The value with each `Fn::If` decided: `conditions` names those that hold."""
    if isinstance(value, list):
        kept = [chosen(each, conditions) for each in value]
        return [each for each in kept if each != {"Ref": "AWS::NoValue"}]
    if isinstance(value, dict):
        if set(value) == {"Fn::If"}:
            condition, positive, negative = value["Fn::If"]
            return chosen(positive if condition in conditions else negative, conditions)
        members = {name: chosen(each, conditions) for name, each in value.items()}
        return {name: each for name, each in members.items() if each != {"Ref": "AWS::NoValue"}}
    return value


def references(value):
    """Names of everything that a value refers to, however deep."""
    found = set()
    if isinstance(value, dict):
        for name, argument in value.items():
            if name == "Ref" and isinstance(argument, str):
                found.add(argument)
            elif name == "Fn::GetAtt":
                found.add(argument.split(".")[0] if isinstance(argument, str) else argument[0])
            elif name == "Fn::Sub":
                pattern = argument if isinstance(argument, str) else argument[0]
                found |= {part.split("}")[0].split(".")[0] for part in pattern.split("${")[1:]}
                found |= references(argument)
            else:
                found |= references(argument)
    elif isinstance(value, list):
        for each in value:
            found |= references(each)
    return found


def of_type(template, kind):
    """Resources of a type by logical id."""
    return {name: each for name, each in template["Resources"].items() if each["Type"] == kind}



if __name__ == "__main__":
    print(json.dumps(expand(), indent=1))
