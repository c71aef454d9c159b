"""Collections on disk: one engine shard each, beside the configuration Qdrant would report."""

import json
import shutil
from pathlib import Path
from urllib.parse import quote, unquote

import qdrant_edge as engine

import qdrant_words as words
from qdrant_checks import Refusal, point_id, required
from qdrant_strict import CLOUD, StrictMode


class Store:
    """Every collection under one folder; loads those that are there already."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.collections = {}
        for path in folder.iterdir():
            if (path / "collection.json").exists():
                self.collections[unquote(path.name)] = Collection(path)
            else:
                shutil.rmtree(path)  # killed while it was being made: it was never reported as made

    def names(self):
        return {"collections": [{"name": name} for name in self.collections]}

    def collection(self, name):
        if name not in self.collections:
            raise Refusal(404, f"Not found: Collection `{name}` doesn't exist!")
        return self.collections[name]

    def create(self, name, body):
        if name in self.collections:
            raise Refusal(409, f"Wrong input: Collection `{name}` already exists!")
        self.collections[name] = Collection.create(self.folder / quote(name, safe=""), body)
        return True

    def delete(self, name):
        collection = self.collections.pop(name, None)
        if collection:
            collection.shard.close()
            shutil.rmtree(collection.folder)
        return collection is not None

    def close(self):
        for collection in self.collections.values():
            collection.shard.close()


class Collection:
    """One collection; every method takes the request's body and its query parameters, and gives Qdrant's `result`."""

    def __init__(self, folder, shard=None):
        self.folder = folder
        self.config = json.loads((folder / "collection.json").read_text())
        self.shard = shard or engine.EdgeShard.load(str(folder / "shard"))
        self.operations = 0

    @classmethod
    def create(cls, folder, body):
        config = {**body, "vectors": words.named(body.get("vectors") or {}), "indexes": {}}
        config["sparse_vectors"] = body.get("sparse_vectors") or {}
        config["strict_mode_config"] = {**CLOUD, **(body.get("strict_mode_config") or {})}
        (folder / "shard").mkdir(parents=True)
        shard = engine.EdgeShard.create(str(folder / "shard"), words.shard_config(config))
        (folder / "collection.json").write_text(json.dumps(config))
        return cls(folder, shard)

    @property
    def strict(self):
        return StrictMode(self.config)

    def save(self):
        draft = self.folder / "collection.json.draft"
        draft.write_text(json.dumps(self.config))
        draft.replace(self.folder / "collection.json")

    def info(self, body, options):
        info = self.shard.info()
        indexes = {
            field: {
                "data_type": schema if isinstance(schema, str) else schema["type"],
                **({} if isinstance(schema, str) else {"params": schema}),
                "points": info.payload_schema[field].points if field in info.payload_schema else 0,
            }
            for field, schema in self.config["indexes"].items()
        }
        return {
            "status": "green",
            "optimizer_status": "ok",
            "indexed_vectors_count": info.indexed_vectors_count,
            "points_count": info.points_count,
            "segments_count": info.segments_count,
            "config": words.reported_config(self.config),
            "payload_schema": indexes,
            "update_queue": {"length": 0, "deferred_points": 0},
        }

    def reconfigure(self, body, options):
        words.merge(self.config, body)
        self.save()
        return True

    def optimizations(self, body, options):
        nothing = {"queued_optimizations": 0, "queued_segments": 0, "queued_points": 0}
        segments = self.shard.info().segments_count
        return {"summary": {**nothing, "idle_segments": segments}, "running": []}

    def index(self, body, options):
        field, schema = required(body, "field_name", "field_schema")
        self.strict.waiting(options)
        self.strict.indexing(field)
        self.shard.update(engine.UpdateOperation.create_field_index(field, words.index(schema)))
        self.config["indexes"][field] = schema
        self.save()
        return self.updated(options)

    def updated(self, options):
        self.operations += 1
        waited = options.get("wait") in ("true", "1")
        return {"operation_id": self.operations, "status": "completed" if waited else "acknowledged"}

    def upsert(self, body, options):
        points = body["points"] if "points" in body else words.columns_to_points(required(body, "batch"))
        if not points:
            raise Refusal(400, "Bad request: Empty update request")
        self.strict.waiting(options)
        self.strict.writing(points, self.shard.info())
        # The same id twice: the last one wins, whole.
        latest = {}
        for point in points:
            latest[point_id(required(point, "id"))] = words.point(point, self.config)
        more = {}
        if body.get("update_mode"):
            more["update_mode"] = words.update_mode(body["update_mode"])
        if body.get("update_filter"):
            more["condition"] = words.filter(body["update_filter"])
        self.shard.update(engine.UpdateOperation.upsert_points(list(latest.values()), **more))
        return self.updated(options)

    def delete(self, body, options):
        self.strict.waiting(options)
        self.strict.updating(body)
        if "points" in body:
            operation = engine.UpdateOperation.delete_points([point_id(value) for value in body["points"]])
        else:
            operation = engine.UpdateOperation.delete_points_by_filter(words.filter(required(body, "filter")))
        self.shard.update(operation)
        return self.updated(options)

    def change_payload(self, name, body, options, *values, **more):
        """Performs the engine's operation `name` on the points that the body names."""
        self.strict.waiting(options)
        self.strict.updating(body)
        if body.get("points") is not None:
            ids = [point_id(value) for value in body["points"]]
            found = {record.id for record in self.shard.retrieve(ids, False, False)}
            operation = getattr(engine.UpdateOperation, name)(ids, *values, **more)
        else:
            ids, found = [], set()
            chosen = words.filter(required(body, "filter"))
            operation = getattr(engine.UpdateOperation, name + "_by_filter")(chosen, *values, **more)
        missing = [value for value in ids if value not in found]
        try:
            self.shard.update(operation)
        except Exception:
            if not missing:
                raise
        if missing:
            raise Refusal(404, f"Not found: No point with id {missing[0]} found")
        return self.updated(options)

    def set_payload(self, body, options):
        more = {"key": body["key"]} if body.get("key") else {}
        return self.change_payload("set_payload", body, options, required(body, "payload"), **more)

    def overwrite_payload(self, body, options):
        return self.change_payload("overwrite_payload", body, options, required(body, "payload"))

    def delete_payload(self, body, options):
        return self.change_payload("delete_payload", body, options, required(body, "keys"))

    def clear_payload(self, body, options):
        return self.change_payload("clear_payload", body, options)

    def batch(self, body, options):
        actions = {
            "upsert": self.upsert,
            "delete": self.delete,
            "set_payload": self.set_payload,
            "overwrite_payload": self.overwrite_payload,
            "delete_payload": self.delete_payload,
            "clear_payload": self.clear_payload,
        }
        results = []
        for operation in required(body, "operations"):
            (name, inner), *rest = operation.items()
            if rest or name not in actions:
                raise Refusal(400, f"Format error in JSON body: the façade does not know the operation {name}")
            results.append(actions[name](inner, options))
        return results

    def retrieve(self, body, options):
        ids = [point_id(value) for value in required(body, "ids")]
        payload = words.payload_choice(body.get("with_payload", True))
        records = self.shard.retrieve(ids, payload, body.get("with_vector", False))
        return [words.record(record) for record in records]

    def point(self, text):
        value = point_id(int(text) if text.isdigit() else text)
        records = self.shard.retrieve([value], True, True)
        if not records:
            raise Refusal(404, f"Not found: Point with id {text} does not exists!")
        return words.record(records[0])

    def count(self, body, options):
        self.strict.counting(body)
        request = engine.CountRequest(exact=body.get("exact", True), filter=words.filter(body.get("filter")))
        return {"count": self.shard.count(request)}

    def scroll(self, body, options):
        self.strict.scrolling(body)
        start = body.get("offset")
        request = engine.ScrollRequest(
            offset=None if start is None else point_id(start),
            limit=words.limit(body),
            filter=words.filter(body.get("filter")),
            with_payload=words.payload_choice(body.get("with_payload", True)),
            with_vector=body.get("with_vector") or False,
            order_by=words.order(body.get("order_by")),
        )
        records, following = self.shard.scroll(request)
        return {"points": [words.record(record) for record in records], "next_page_offset": words.plain_id(following)}

    def query(self, body, options):
        self.strict.querying(body)
        points = self.shard.query(words.query(body, self.config))
        return {"points": [words.scored(point) for point in points]}

    def query_batch(self, body, options):
        return [self.query(search, options) for search in body["searches"]]
