"""Writes what Qdrant's OpenAPI file allows in requests as a table for the served fake.

    qdrant-shapes.py OPENAPI.json > Sources/ServedFakes/Qdrant/QdrantShapes.swift

Each schema that a body can contain becomes one line, `Name = shape`. Shapes: `string`, `bool`, `float`, `int`, `uint`,
`any`, `datetime`, `uuid`; `uint 1..` with bounds; `'a' 'b'` fixed words; `[shape]` a list; `{a!: shape, b: shape}` an
object, `!` for members that must be there, `{* shape}` for any names, `{= …}` without other names; `shape?` may be null;
`a | b` either.
"""

import json
import sys

HEADER = """// Longer than 300 lines: generated from Qdrant's OpenAPI 1.19 by scripts/support/qdrant-shapes.py. Do not edit.

/// The requests that Qdrant's interface allows, in the notation of `Shape`.
enum QdrantShapes {
    /// Routes with a body: method, path and the name of its shape; without a body, `-`.
    static let routes = \"\"\"
"""


def bounds(schema, kind):
    low = schema.get("minimum", 0 if kind == "uint" else None)
    high = schema.get("maximum")
    if high is None and schema.get("format") in ("uint32", "uint8"):
        high = 2**32 - 1 if schema["format"] == "uint32" else 255
    if (low in (None, 0) and kind == "uint" or low is None) and high is None:
        return kind
    number = lambda value: "" if value is None else f"{value:g}" if value < 1e6 else str(int(value))
    return f"{kind} {number(low)}..{number(high)}"


class Table:
    def __init__(self, document):
        self.schemas = document["components"]["schemas"]
        self.lines = {}

    def add(self, name):
        if name in self.lines:
            return
        self.lines[name] = ""
        self.lines[name] = self.shape(self.schemas[name])

    def shape(self, schema):
        nullable = "?" if schema.get("nullable") else ""
        if "$ref" in schema:
            name = schema["$ref"].split("/")[-1]
            self.add(name)
            return name + nullable
        if "anyOf" in schema:
            parts = [part for part in schema["anyOf"] if part != {"nullable": True}]
            if len(parts) < len(schema["anyOf"]):
                nullable = "?"
            text = " | ".join(self.shape(part) for part in parts)
            return (f"({text})" if nullable and len(parts) > 1 else text) + nullable
        if "enum" in schema:
            return " ".join(f"'{word}'" for word in schema["enum"]) + nullable
        kind = schema.get("type")
        if kind == "array":
            least = f" {schema['minItems']}.." if "minItems" in schema else ""
            return f"[{self.shape(schema['items'])}]{least}{nullable}"
        if kind == "object":
            return self.object(schema) + nullable
        if kind == "string":
            special = {"date-time": "datetime", "uuid": "uuid"}.get(schema.get("format"), "string")
            return ("string 1.." if schema.get("minLength") else special) + nullable
        if kind == "boolean":
            return "bool" + nullable
        if kind == "number":
            return bounds(schema, "float") + nullable
        if kind == "integer":
            unsigned = schema.get("format", "").startswith("uint")
            return bounds(schema, "uint" if unsigned else "int") + nullable
        return "any" + nullable

    def object(self, schema):
        properties = schema.get("properties")
        more = schema.get("additionalProperties")
        if not properties:
            return "{* any}" if more in (None, True) else "{* " + self.shape(more) + "}"
        required = set(schema.get("required", []))
        closed = "= " if more is False else ""
        members = [name + ("!" if name in required else "") + ": " + self.shape(inner) for name, inner in properties.items()]
        return "{" + closed + ", ".join(members) + "}"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        document = json.load(file)
    table = Table(document)
    out = [HEADER.rstrip("\n")]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            name = "-"
            content = operation.get("requestBody", {}).get("content", {})
            if "application/json" in content:
                name = content["application/json"]["schema"]["$ref"].split("/")[-1]
                table.add(name)
            elif content:
                name = "form"
            out.append(f"        {method.upper()} {path} {name}")
    out.append('        """\n\n    /// The shapes by name.\n    static let shapes = """')
    for name in sorted(table.lines):
        out.append(f"        {name} = {table.lines[name]}")
    out.append('        """\n}')
    print("\n".join(out))


main()
