"""Strict mode: what Qdrant refuses before a request is done, in its own words.

On for every collection that is not made with another `strict_mode_config`, as Qdrant Cloud makes them.
"""

from qdrant_checks import Refusal

CLOUD = {
    "enabled": True,
    "unindexed_filtering_retrieve": False,
    "unindexed_filtering_update": False,
    "max_payload_index_count": 100,
}
CREATE = "Create an index for this key or use a different filter."
# What an index must be for a condition on values of a type.
KINDS = {str: {"keyword", "uuid"}, int: {"integer"}, bool: {"bool"}, float: {"float", "integer"}}


def refusal(error, help):
    return Refusal(400, f"Bad request: {error}. Help: {help}")


def conditions(filter):
    """All conditions of a filter, those of nested ones included."""
    for name in ("must", "should", "must_not"):
        value = (filter or {}).get(name) or []
        for condition in value if isinstance(value, list) else [value]:
            if {"must", "should", "must_not"} & set(condition):
                yield from conditions(condition)
            else:
                yield condition


def size(condition):
    if "has_id" in condition:
        return len(condition["has_id"])
    match = condition.get("match") or {}
    return len(match.get("any") or match.get("except") or [])


def key_and_kinds(condition):
    """The key that needs an index and the kinds that will do; None where none is needed."""
    for name in ("is_empty", "is_null"):
        if name in condition:
            return condition[name]["key"], None
    if "key" not in condition:
        return None, None
    match = condition.get("match") or {}
    if "text" in match:
        return condition["key"], {"text"}
    values = match.get("any") or match.get("except") or ([match["value"]] if "value" in match else [])
    return condition["key"], KINDS.get(type(values[0]) if values else float)


class StrictMode:
    """The checks of one collection."""

    def __init__(self, config):
        self.mode = config.get("strict_mode_config") or {}
        self.indexes = {
            field: schema if isinstance(schema, str) else schema["type"] for field, schema in config["indexes"].items()
        }

    def limit(self, name):
        return self.mode.get(name) if self.mode.get("enabled") else None

    def check_limit(self, value, name, word):
        most = self.limit(name)
        if most is not None and value is not None and value > most:
            help = f'Reduce the "{word}" parameter to or below {most}.'
            raise refusal(f'Limit exceeded {value} > {most} for "{word}"', help)

    def check_filter(self, filter, permission):
        if not self.mode.get("enabled") or not filter:
            return
        every = list(conditions(filter))
        most = self.limit("filter_max_conditions")
        if most is not None and len(every) > most:
            help = "Reduce the amount of conditions of your filter."
            raise refusal(f"Filter condition limit reached ({len(every)} > {most})", help)
        most, largest = self.limit("condition_max_size"), max(map(size, every), default=0)
        if most is not None and largest > most:
            raise refusal(f"Condition size limit reached ({largest} > {most})", "Reduce the size of your condition.")
        if self.limit(permission) is not False:
            return
        for condition in every:
            key, kinds = key_and_kinds(condition)
            if key is None or key in self.indexes and (kinds is None or self.indexes[key] in kinds):
                continue
            wanted = ", ".join(sorted(kinds or {"keyword"}))
            raise refusal(f'Index required but not found for "{key}" of one of the following types: [{wanted}]', CREATE)

    def check_budget(self, cost, name):
        most = self.limit(name)
        if most is not None and cost > most:
            text = "request larger than rate limiter capacity, please try to split your request"
            raise Refusal(429, f"Rate limiting exceeded: {text}")

    def reading(self, body):
        self.check_filter(body.get("filter"), "unindexed_filtering_retrieve")
        self.check_budget(1 + len(list(conditions(body.get("filter")))), "read_rate_limit")

    def scrolling(self, body):
        limit = body.get("limit")
        self.check_limit(10 if limit is None else limit, "max_query_limit", "limit")
        self.reading(body)

    def counting(self, body):
        self.reading(body)
        if self.limit("search_allow_exact") is False and body.get("exact", True):
            raise refusal("Exact search disabled!", "Set exact=false.")

    def querying(self, body):
        prefetch = body.get("prefetch") or []
        for inner in prefetch if isinstance(prefetch, list) else [prefetch]:
            self.querying(inner)
        self.scrolling(body)
        oversampling = ((body.get("params") or {}).get("quantization") or {}).get("oversampling")
        self.check_limit(oversampling, "search_max_oversampling", "oversampling")

    def updating(self, body):
        if "points" in body:
            return self.check_budget(len(body["points"]), "write_rate_limit")
        self.check_filter(body.get("filter"), "unindexed_filtering_update")
        self.check_budget(len(list(conditions(body.get("filter")))), "write_rate_limit")

    def writing(self, points, info):
        """Before an upsert: its size, and whether the collection has room."""
        self.check_limit(len(points), "upsert_max_batchsize", "upsert limit")
        self.check_budget(len(points), "write_rate_limit")
        self.check_room(info)

    def check_room(self, info):
        most = self.limit("max_points_count")
        if most is not None and info.points_count >= most:
            raise Refusal(400, f"Bad request: Max points count limit of {most} reached!")

    def indexing(self, field):
        most = self.limit("max_payload_index_count")
        if most is not None and field not in self.indexes and len(self.indexes) >= most:
            help = "Remove an index that is not used."
            raise refusal(f"Collection already has the maximum number of payload indices ({most})", help)

    def waiting(self, options):
        timeout = options.get("timeout")
        self.check_limit(int(timeout) if timeout else None, "max_timeout", "timeout")
