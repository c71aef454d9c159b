"""Checks a Compose file against the Compose specification: compose_check.py FILE SCHEMA

Prints the environment variables each service built from our own Dockerfile gets, as one JSON object.
"""

import json
import sys

import yaml
from jsonschema import Draft7Validator


def main(file, schema):
    with open(file, encoding="utf-8") as stream:
        compose = yaml.safe_load(stream)
    with open(schema, encoding="utf-8") as stream:
        errors = list(Draft7Validator(json.load(stream)).iter_errors(compose))
    for error in errors:
        print("/".join(map(str, error.path)), error.message, file=sys.stderr)
    services = compose["services"]
    ours = {name: sorted(service.get("environment", {})) for name, service in services.items() if "build" in service}
    published = [port for service in services.values() for port in service.get("ports", [])]
    print(json.dumps({"environment": ours, "published": published}))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
