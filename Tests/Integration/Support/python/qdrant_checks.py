"""What Qdrant's server checks before its engine sees a request, in Qdrant's own words."""

import json
import os
from uuid import UUID

import jsonschema

ID_MAX = 2**64 - 1


class Refusal(Exception):
    """A request refused: the status and the text of the error envelope."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status, self.text = status, text


def malformed(text):
    return Refusal(400, f"Format error in JSON body: {text}")


def invalid(text):
    return Refusal(422, f"Validation error in JSON body: [{text}]")


def required(body, *names):
    """The values of fields that have to be there; one alone comes without a list around it."""
    if not isinstance(body, dict):
        raise malformed(f"invalid type: expected a map, found {body!r}")
    for name in names:
        if name not in body:
            raise malformed(f"missing field `{name}`")
    values = [body[name] for name in names]
    return values[0] if len(values) == 1 else values


def point_id(value):
    """An unsigned integer or a UUID, as the engine wants it."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= ID_MAX:
        return value
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError):
        text = f"value {value} is not a valid point ID, valid values are either an unsigned integer or a UUID"
        raise malformed(text) from None


def dense(name, values, config):
    """A dense vector of the right length, all numbers."""
    if not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        raise malformed("data did not match any variant of untagged enum VectorStruct")
    if name not in config["vectors"]:
        raise Refusal(400, f"Wrong input: Not existing vector name error: {name}")
    size = config["vectors"][name]["size"]
    if len(values) != size:
        text = f"expected dim: {size}, got {len(values)} for vector '{name}'"
        raise Refusal(400, f"Wrong input: Vector dimension error: {text}")
    return values


def sparse(name, vector, config):
    """The indices and values of a sparse vector, sorted by index."""
    indices, values = required(vector, "indices", "values")
    if not all(isinstance(index, int) and 0 <= index < 2**32 for index in indices):
        raise malformed("invalid value for a sparse index, expected u32")
    if len(indices) != len(values):
        raise invalid("values: must be the same length as indices")
    if len(set(indices)) != len(indices):
        raise invalid("indices: must be unique")
    if name not in config.get("sparse_vectors", {}):
        raise Refusal(400, f"Wrong input: Not existing vector name error: {name}")
    order = sorted(range(len(indices)), key=indices.__getitem__)
    return [indices[i] for i in order], [float(values[i]) for i in order]


def load_schemas():
    path = os.environ.get("QDRANT_OPENAPI")
    if not path:
        return None
    with open(path, encoding="utf-8") as file:
        return json.load(file)["components"]


COMPONENTS = load_schemas()


def shorter(value):
    """The body with long lists of numbers cut: checking each of 1,536 numbers against a schema takes seconds."""
    if isinstance(value, dict):
        return {name: shorter(inner) for name, inner in value.items()}
    if isinstance(value, list):
        numbers = len(value) > 64 and isinstance(value[0], (int, float))
        return [shorter(inner) for inner in (value[:4] if numbers else value)]
    return value


def check_schema(name, body):
    """Refuses a body that Qdrant's OpenAPI file does not allow, when there is that file."""
    if COMPONENTS is None:
        return
    schema = {"$ref": f"#/components/schemas/{name}", "components": COMPONENTS}
    error = next(jsonschema.Draft7Validator(schema).iter_errors(shorter(body)), None)
    if error:
        raise malformed(error.message[:200])
