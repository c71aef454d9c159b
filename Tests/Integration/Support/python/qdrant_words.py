"""Between the words of Qdrant's REST interface and those of its engine."""

from uuid import UUID

import qdrant_edge as engine

from qdrant_checks import Refusal, dense, invalid, malformed, point_id, required, sparse
from qdrant_filters import filter

HNSW = {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000}
OPTIMIZERS = {
    "deleted_threshold": 0.2,
    "vacuum_min_vector_number": 1000,
    "default_segment_number": 0,
    "indexing_threshold": 10000,
    "flush_interval_sec": 5,
}
UPDATE_MODES = {
    "upsert": engine.UpdateMode.Upsert,
    "insert_only": engine.UpdateMode.InsertOnly,
    "update_only": engine.UpdateMode.UpdateOnly,
}
UNKNOWN = "data did not match any variant of untagged enum "


# Configuration


def named(vectors):
    """Vector parameters by name; a lone set of parameters is that of the vector without a name."""
    return {"": vectors} if "size" in vectors else vectors


def quantization(config):
    binary = (config or {}).get("binary")
    return engine.BinaryQuantizationConfig(always_ram=binary.get("always_ram")) if binary is not None else None


def hnsw(*configs):
    """The engine's HNSW settings: later configurations win over earlier ones."""
    merged = dict(HNSW)
    for config in configs:
        merged |= {name: value for name, value in (config or {}).items() if value is not None}
    known = ("m", "ef_construct", "full_scan_threshold", "max_indexing_threads", "on_disk", "payload_m")
    return engine.HnswIndexConfig(**{name: merged[name] for name in known if name in merged})


def shard_config(config):
    vectors = {}
    for name, given in config["vectors"].items():
        size, distance = required(given, "size", "distance")
        if not hasattr(engine.Distance, distance):
            raise malformed(f"unknown variant `{distance}`, expected one of `Cosine`, `Euclid`, `Dot`, `Manhattan`")
        vectors[name] = engine.EdgeVectorParams(
            size=size,
            distance=getattr(engine.Distance, distance),
            on_disk=given.get("on_disk"),
            hnsw_config=hnsw(config.get("hnsw_config"), given.get("hnsw_config")),
            quantization_config=quantization(given.get("quantization_config") or config.get("quantization_config")),
        )
    sparse_vectors = {
        name: engine.EdgeSparseVectorParams(
            on_disk=(given.get("index") or {}).get("on_disk"),
            modifier=engine.Modifier.Idf if given.get("modifier") == "idf" else None,
        )
        for name, given in config["sparse_vectors"].items()
    }
    on_disk = config.get("on_disk_payload", True)
    return engine.EdgeConfig(vectors=vectors, sparse_vectors=sparse_vectors, on_disk_payload=on_disk)


def reported_config(config):
    """The `config` part of a collection's description."""
    vectors = config["vectors"]
    return {
        "params": {
            "vectors": vectors[""] if list(vectors) == [""] else vectors,
            "sparse_vectors": config["sparse_vectors"],
            "shard_number": config.get("shard_number") or 1,
            "replication_factor": 1,
            "write_consistency_factor": 1,
            "on_disk_payload": config.get("on_disk_payload", True),
        },
        "hnsw_config": {**HNSW, "max_indexing_threads": 0, **(config.get("hnsw_config") or {})},
        "optimizer_config": {**OPTIMIZERS, **(config.get("optimizers_config") or {})},
        "wal_config": {"wal_capacity_mb": 32, "wal_segments_ahead": 0},
        "quantization_config": config.get("quantization_config"),
        "strict_mode_config": config.get("strict_mode_config"),
    }


def merge(config, change):
    """Writes a PATCH into the configuration, level by level."""
    for name, value in change.items():
        if isinstance(value, dict) and isinstance(config.get(name), dict):
            merge(config[name], value)
        elif value is not None:
            config[name] = value


def index(schema):
    kind = schema if isinstance(schema, str) else required(schema, "type")
    if kind == "keyword":
        return engine.KeywordIndexParams(is_tenant=None if isinstance(schema, str) else schema.get("is_tenant"))
    if not hasattr(engine.PayloadSchemaType, kind.capitalize()):
        raise malformed(UNKNOWN + "PayloadFieldSchema")
    return getattr(engine.PayloadSchemaType, kind.capitalize())


def update_mode(name):
    if name not in UPDATE_MODES:
        raise malformed(f"unknown variant `{name}`, expected one of `upsert`, `insert_only`, `update_only`")
    return UPDATE_MODES[name]


# Points in


def vector(name, value, config):
    if isinstance(value, dict):
        indices, values = sparse(name, value, config)
        return engine.SparseVector(indices=indices, values=values)
    if isinstance(value, list):
        return dense(name, value, config)
    raise malformed(UNKNOWN + "VectorStruct")


def point(given, config):
    identity, vectors = required(given, "id", "vector")
    payload = given.get("payload")
    if payload is not None and not isinstance(payload, dict):
        raise malformed("invalid type: expected a map as payload")
    if isinstance(vectors, list):
        vectors = dense("", vectors, config)
    else:
        vectors = {name: vector(name, value, config) for name, value in vectors.items()}
    return engine.Point(id=point_id(identity), vector=vectors, payload=payload or {})


def columns_to_points(batch):
    """The points of an upsert in columns (`batch`) instead of rows (`points`)."""
    ids, vectors = required(batch, "ids", "vectors")
    payloads = batch.get("payloads") or [None] * len(ids)
    lists = list(vectors.values()) if isinstance(vectors, dict) else [vectors]
    if any(len(column) != len(ids) for column in [*lists, payloads]):
        raise invalid("batch: number of ids, vectors and payloads must be the same")

    def row(number):
        if isinstance(vectors, dict):
            return {name: column[number] for name, column in vectors.items() if column[number] is not None}
        return vectors[number]

    return [{"id": ids[number], "vector": row(number), "payload": payloads[number]} for number in range(len(ids))]


# Queries


def limit(body):
    value = body.get("limit")
    value = 10 if value is None else value
    if value < 1:
        raise invalid(f"limit: value {value} invalid, must be 1 or larger")
    return value


def scoring(given, using, config):
    """What a query asks for: the nearest points to a vector, or a fusion of prefetched lists."""
    if isinstance(given, dict) and "nearest" in given:
        given = given["nearest"]
    if given is None:
        return None
    if isinstance(given, list) or isinstance(given, dict) and "indices" in given:
        return engine.Query.Nearest(vector(using or "", given, config), using=using)
    if isinstance(given, dict) and given.get("fusion") == "rrf":
        return engine.Fusion.Rrf(k=2)
    if isinstance(given, dict) and "rrf" in given:
        return engine.Fusion.Rrf(k=given["rrf"].get("k") or 2, weights=given["rrf"].get("weights"))
    if isinstance(given, dict) and given.get("fusion") == "dbsf":
        return engine.Fusion.Dbsf()
    raise Refusal(400, "Format error in JSON body: the façade does not know this kind of query")


def order(given):
    """The engine's order of points by a payload field, or None where there was none."""
    if given is None:
        return None
    if isinstance(given, str):
        return engine.OrderBy(given)
    direction = {"asc": engine.Direction.Asc, "desc": engine.Direction.Desc}.get(given.get("direction"))
    return engine.OrderBy(required(given, "key"), direction, given.get("start_from"))


def query_parts(body, config):
    prefetch = body.get("prefetch") or []
    prefetch = prefetch if isinstance(prefetch, list) else [prefetch]
    return {
        "limit": limit(body),
        "query": scoring(body.get("query"), body.get("using"), config),
        "prefetches": [engine.Prefetch(**query_parts(inner, config)) for inner in prefetch],
        "filter": filter(body.get("filter")),
        "score_threshold": body.get("score_threshold"),
        "params": search_params(body.get("params")),
    }


def search_params(given):
    if not given:
        return None
    detail = given.get("quantization")
    quantized = engine.QuantizationSearchParams(**detail) if detail else None
    return engine.SearchParams(hnsw_ef=given.get("hnsw_ef"), exact=given.get("exact", False), quantization=quantized)


def query(body, config):
    return engine.QueryRequest(
        offset=body.get("offset") or 0,
        with_payload=payload_choice(body.get("with_payload", False)),
        with_vector=body.get("with_vector") or False,
        **query_parts(body, config),
    )


def payload_choice(given):
    if isinstance(given, dict):
        if "include" in given:
            return engine.PayloadSelector.Include(given["include"])
        return engine.PayloadSelector.Exclude(required(given, "exclude"))
    return False if given is None else given


# Points out


def plain_id(value):
    return str(value) if isinstance(value, UUID) else value


def plain_vectors(vectors):
    def plain(value):
        if isinstance(value, engine.SparseVector):
            return {"indices": value.indices, "values": value.values}
        return value

    if isinstance(vectors, dict):
        return {name: plain(value) for name, value in vectors.items()}
    return plain(vectors)


def record(found):
    """A point as retrieve and scroll give it; without the fields that were not asked for."""
    parts = {"id": plain_id(found.id), "payload": found.payload, "vector": plain_vectors(found.vector)}
    parts["order_value"] = getattr(found, "order_value", None)
    return {name: value for name, value in parts.items() if value is not None}


def scored(found):
    return {"id": plain_id(found.id), "version": found.version, "score": found.score} | record(found)
