"""Checks a GitHub workflow against its JSON schema: workflow_check.py FILE SCHEMA

Prints the container and the commands of each job, as one JSON object.
"""

import json
import re
import sys

import yaml
from jsonschema import Draft7Validator


class Loader(yaml.SafeLoader):
    """YAML 1.2, as GitHub reads it: `on` is a word, not the truth."""


BOOLEAN = "tag:yaml.org,2002:bool"
Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != BOOLEAN]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver(BOOLEAN, re.compile("^(?:true|false)$"), list("tf"))


def main(file, schema):
    with open(file, encoding="utf-8") as stream:
        workflow = yaml.load(stream, Loader)
    with open(schema, encoding="utf-8") as stream:
        errors = list(Draft7Validator(json.load(stream)).iter_errors(workflow))
    for error in errors:
        print("/".join(map(str, error.path)), error.message, file=sys.stderr)
    jobs = {
        name: {
            "container": job.get("container", ""),
            "commands": [step["run"] for step in job["steps"] if "run" in step],
        }
        for name, job in workflow["jobs"].items()
    }
    print(json.dumps(jobs))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
