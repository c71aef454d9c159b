"""Between the filters of Qdrant's REST interface and those of its engine."""

import qdrant_edge as engine

from qdrant_checks import invalid, malformed, point_id, required

UNKNOWN = "data did not match any variant of untagged enum "
PARTS = {"must", "should", "must_not", "min_should"}
MATCHES = {
    "value": engine.MatchValue,
    "any": engine.MatchAny,
    "except": engine.MatchExcept,
    "text": engine.MatchText,
    "text_any": engine.MatchTextAny,
    "phrase": engine.MatchPhrase,
    "prefix": engine.MatchPrefix,
}


def filter(given):
    """The engine's filter, or None where there was none."""
    if given is None:
        return None
    unknown = set(given) - PARTS
    if unknown:
        raise malformed(f"unknown field `{min(unknown)}`, expected one of `should`, `min_should`, `must`, `must_not`")

    def conditions(value):
        if value is None:
            return None
        return [condition(inner) for inner in (value if isinstance(value, list) else [value])]

    parts = {name: conditions(given.get(name)) for name in ("must", "should", "must_not")}
    if given.get("min_should"):
        listed, least = required(given["min_should"], "conditions", "min_count")
        parts["min_should"] = engine.MinShould(conditions(listed), least)
    return engine.Filter(**parts)


def condition(given):
    if "key" in given:
        return field_condition(given)
    if "has_id" in given:
        return engine.HasIdCondition({point_id(value) for value in given["has_id"]})
    if "is_empty" in given:
        return engine.IsEmptyCondition(given["is_empty"]["key"])
    if "is_null" in given:
        return engine.IsNullCondition(given["is_null"]["key"])
    if "has_vector" in given:
        return engine.HasVectorCondition(given["has_vector"])
    if "nested" in given:
        return engine.NestedCondition(given["nested"]["key"], filter(given["nested"]["filter"]))
    if PARTS & set(given):
        return filter(given)
    raise malformed(UNKNOWN + "Condition")


def field_condition(given):
    parts = {}
    if given.get("match"):
        (kind, value), *rest = given["match"].items()
        if rest or kind not in MATCHES:
            raise malformed(UNKNOWN + "Match")
        parts["match"] = MATCHES[kind](value)
    if given.get("range"):
        bounds = {name: value for name, value in given["range"].items() if value is not None}
        if any(isinstance(value, str) for value in bounds.values()):
            parts["range"] = engine.RangeDateTime(**bounds)
        else:
            parts["range"] = engine.RangeFloat(**bounds)
    if given.get("values_count"):
        parts["values_count"] = engine.ValuesCount(**given["values_count"])
    for name in ("is_empty", "is_null"):
        if given.get(name) is not None:
            parts[name] = given[name]
    if not parts:
        raise invalid("at least one field condition must be specified")
    return engine.FieldCondition(key=given["key"], **parts)
