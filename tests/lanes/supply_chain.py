"""Holds the list of components against the schema of CycloneDX 1.5, and against what we know of ourselves."""

import json
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

LINKED = {"publish", "manage", "ingest", "history", "deliver", "background", "import", "sweep"}
LINKED |= {"fanfare", "aws-lc-rs", "lambda_runtime", "rustls", "tokio"}
BUILT_WITH = {"serde_derive", "cc"}
ELSEWHERE = {"fanfare-local", "fanfare-engines", "fanfare-tests", "proptest", "rusqlite", "svix", "tempfile"}

text = open(sys.argv[1]).read()
error = JsonStrictValidator(SchemaVersion.V1_5).validate_str(text)
if error is not None:
    sys.exit(f"no valid CycloneDX 1.5: {error}")

document = json.loads(text)
scopes = {each["name"]: each["scope"] for each in document["components"]}
wrong = {name for name in LINKED if scopes.get(name) != "required"}
wrong |= {name for name in BUILT_WITH if scopes.get(name) != "excluded"}
wrong |= ELSEWHERE & scopes.keys()
if wrong:
    sys.exit(f"in the wrong place: {sorted(wrong)}")

foreign = [each for each in document["components"] if "purl" in each]
unknown = [each["name"] for each in foreign if "hashes" not in each or "licenses" not in each]
if unknown:
    sys.exit(f"no checksum or no licence: {unknown}")

refs = {each["bom-ref"] for each in document["components"]} | {"fanfare"}
dangling = {each for entry in document["dependencies"] for each in [entry["ref"], *entry["dependsOn"]]} - refs
if dangling:
    sys.exit(f"depended upon, and not in the list: {sorted(dangling)}")

linked = sum(each["scope"] == "required" for each in document["components"])
print(f"{linked} components are linked into the functions, {len(scopes) - linked} more took part in building them")
