"""Qdrant's own client against a served stand-in: clients_qdrant.py URL KEY. Prints `ok` when everything was as it should be."""

import sys
import uuid
import warnings

from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse

url, key = sys.argv[1:]
warnings.filterwarnings("error", message=".*version.*")  # the client compares versions when it is made
warnings.filterwarnings("ignore", message=".*insecure connection.*")
client = QdrantClient(url=url, api_key=key, timeout=30)
name = "memos"

assert not client.collection_exists(name)
client.create_collection(
    name,
    vectors_config={"child": models.VectorParams(size=4, distance=models.Distance.COSINE, on_disk=True)},
    sparse_vectors_config={"child-sparse": models.SparseVectorParams(modifier=models.Modifier.IDF)},
    hnsw_config=models.HnswConfigDiff(m=16, ef_construct=256),
    quantization_config=models.BinaryQuantization(binary=models.BinaryQuantizationConfig(always_ram=True)),
    strict_mode_config=models.StrictModeConfig(enabled=False),  # it filters on keys without an index
)
tenant = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
client.create_payload_index(name, "member_code", tenant, wait=True)
client.create_payload_index(name, "summary_id", models.PayloadSchemaType.INTEGER, wait=True)

ids = [str(uuid.uuid5(uuid.NAMESPACE_URL, str(number))) for number in range(10)]
largest = 2**63 - 1
points = [
    models.PointStruct(
        id=ids[number],
        vector={
            "child": [float(number), 1.0, 0.0, 0.0],
            "child-sparse": models.SparseVector(indices=[100, 7 + number], values=[0.5, 1.0]),
        },
        payload={"member_code": f"m{number % 2}", "summary_id": largest - number, "text": f"text \"{number}\"\n中"},
    )
    for number in range(9)
]
points.append(models.PointStruct(id=ids[9], vector={}, payload={"summary_id": largest - 9, "collection_ids": []}))
assert client.upsert(name, points, wait=True).status == models.UpdateStatus.COMPLETED
assert client.count(name, exact=True).count == 10

info = client.get_collection(name)
assert info.status == models.CollectionStatus.GREEN and info.points_count == 10
assert info.config.params.vectors["child"].size == 4 and info.config.hnsw_config.ef_construct == 256
assert info.payload_schema["member_code"].params.is_tenant and info.payload_schema["summary_id"].points == 10


def matches(field, value):
    return models.FieldCondition(key=field, match=models.MatchValue(value=value))


wanted = models.Filter(must=[models.FieldCondition(key="summary_id", match=models.MatchAny(any=[largest, largest - 9]))])
found, offset = client.scroll(name, scroll_filter=wanted, limit=10, with_vectors=True)
assert {point.id for point in found} == {ids[0], ids[9]} and offset is None
assert {point.payload["summary_id"] for point in found} == {largest, largest - 9}
assert next(point for point in found if point.id == ids[9]).vector == {}
pages, offset = [], None
while True:
    page, offset = client.scroll(name, limit=3, offset=offset, with_payload=False)
    pages += page
    if offset is None:
        break
assert [point.id for point in pages] == sorted(ids)

sparse = models.SparseVector(indices=[11], values=[1.0])
hits = client.query_points(
    name,
    prefetch=[
        models.Prefetch(query=[4.0, 1.0, 0.0, 0.0], using="child", limit=5),
        models.Prefetch(query=sparse, using="child-sparse", limit=5),
    ],
    query=models.FusionQuery(fusion=models.Fusion.RRF),
    query_filter=models.Filter(must=[matches("member_code", "m0")]),
    limit=2,
    with_payload=True,
).points
assert hits[0].id == ids[4] and hits[0].payload["text"] == 'text "4"\n中' and len(hits) == 2
assert abs(hits[0].score - 1.0) < 1e-6, hits  # first in both lists: 1/2 + 1/2

keep = models.Filter(must=[models.HasIdCondition(has_id=ids[:3])], must_not=[matches("member_code", "m0")])
client.delete(name, models.FilterSelector(filter=keep), wait=True)
client.set_payload(name, {"profile": "p"}, points=[ids[0]], wait=True)
empty = models.Filter(must=[models.IsEmptyCondition(is_empty=models.PayloadField(key="profile"))])
assert client.count(name, count_filter=empty).count == 8
assert client.retrieve(name, [ids[1], ids[0]])[0].payload["profile"] == "p"

for status, call in [
    (400, lambda: client.upsert(name, [models.PointStruct(id=1, vector={"child": [1.0]})])),
    (400, lambda: client.upsert(name, [models.PointStruct(id=1, vector={"other": [1.0]})])),
    (404, lambda: client.count("nothing")),
    (409, lambda: client.create_collection(name, vectors_config={})),
    (401, lambda: QdrantClient(url=url, api_key="x", check_compatibility=False).get_collections()),
]:
    try:
        call()
    except UnexpectedResponse as caught:
        assert caught.status_code == status, caught
    else:
        raise AssertionError(f"no {status}")
client.delete_collection(name)
assert client.get_collections().collections == []
print("ok")
