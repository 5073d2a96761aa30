#!/usr/bin/env python3
"""What `sam build` leaves behind, from functions that are built already: template.yaml with every function's CodeUri pointing
to the folder of its bootstrap. `sam deploy` makes the zips of it and puts them into a bucket. Runs with SAM's own Python.

    package.py template.yaml target/lambda packaged.yaml [NAME=VALUE...]

NAME=VALUE makes a value a parameter's default. ministack expands a template with the defaults, whatever it is given, so what
SAM decides while it expands has to be said here (docs/decisions/0021).
"""

import os
import sys

from samcli.yamlhelper import yaml_dump, yaml_parse

source, binaries, packaged, *defaults = sys.argv[1:]
with open(source, encoding="utf-8") as file:
    template = yaml_parse(file.read())
del template["Globals"]["Function"]["CodeUri"]
for name, resource in template["Resources"].items():
    if resource["Type"] == "AWS::Serverless::Function":
        folder = os.path.abspath(os.path.join(binaries, resource["Metadata"]["BuildProperties"]["Binary"]))
        if not os.path.exists(os.path.join(folder, "bootstrap")):
            sys.exit(f"{name}: {folder} holds no bootstrap")
        resource["Properties"]["CodeUri"] = folder
for name, value in (each.split("=", 1) for each in defaults):
    template["Parameters"][name]["Default"] = value
with open(packaged, "w", encoding="utf-8") as file:
    file.write(yaml_dump(template))
