"""Supabase's own client against a served stand-in: clients_supabase.py URL KEY. Prints `ok` when everything was as it should be."""

import sys
import uuid

from postgrest.exceptions import APIError
from supabase import create_client

url, key = sys.argv[1:]
client = create_client(url, key)


def call(function, **parameters):
    return client.rpc(function, {f"p_{name}": value for name, value in parameters.items()}).execute().data


assert call("schema_version")["version"] >= 1

token = str(uuid.uuid4())
opened = call(
    "open_ingestion_job",
    target_key="clients",
    config_hash="h",
    config={"model": "m"},
    settings={
        "max_retries": 3,
        "lease_seconds": 120,
        "batch_timeout_seconds": 600,
        "backoff_base_seconds": 30,
        "backoff_cap_seconds": 1800,
        "record_events": True,
    },
    controller_id="c",
    token=token,
    start=True,
)
assert opened["result"] == "created" and opened["role"] == "controller", opened
job = opened["job"]["id"]

largest = 2**63 - 1
mine = dict(job=job, epoch=opened["epoch"], token=token)
appended = call("append_ingestion_batches", **mine, expected_cursor=None, batches=[[1, 2], [largest]])
assert appended["result"] == "appended", appended
assert call("seal_ingestion_plan", **mine, expected_cursor=largest, upper=largest, source_count=3)["result"] == "sealed"

claim = dict(job=job, worker="w", claim_id=str(uuid.uuid4()), limit=2, config_hash="h", floor=None)
batches = call("claim_next_batch", **claim)["batches"]
assert [batch["record_ids"] for batch in batches] == [[1, 2], [largest]], batches
again = call("claim_next_batch", **claim)["batches"]
assert [batch["attempt"] for batch in again] == [1, 1], again

for parameters in [dict(nothing=1), {}]:
    try:
        call("drop_everything", **parameters)
    except APIError as error:
        assert error.code == "PGRST202", error
    else:
        raise AssertionError("an unknown function answered")
try:
    create_client(url, "sb_secret_wrong").rpc("schema_version", {}).execute()
except APIError as error:
    assert error.code == "PGRST301", error
else:
    raise AssertionError("a wrong key was taken")
print("ok")
