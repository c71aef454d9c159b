"""OpenAI's own client retries a stand-in with faults: clients_openai_retry.py URL KEY. Prints `ok` when it recovered.

The client's documentation promises: 408, 409, 429 and statuses from 500 are tried again, with the wait that the server
states; other refusals are not.
"""

import json
import sys
import time
import urllib.request

import openai

url, key = sys.argv[1:]
base = url.removesuffix("/v1")
model = "text-embedding-3-small"
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def control(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data, {"Authorization": f"Bearer {key}"})
    with opener.open(request, timeout=10) as answer:
        return json.load(answer)


def answers():
    return control("/__stats")["answers"].get("POST /v1/embeddings", {})


client = openai.OpenAI(base_url=url, api_key=key, max_retries=3)
for fault in (500, 503, 429, "close", "truncate"):
    control("/__reset", {})
    control("/__faults", [{"fault": fault, "count": 2}])
    try:
        assert len(client.embeddings.create(model=model, input="hello").data) == 1
    except (openai.APIError, ValueError) as error:
        # The client takes half of an answer for an answer that is no JSON.
        assert fault == "truncate", (fault, repr(error))
    if fault not in ("close", "truncate"):
        assert answers() == {str(fault): 2, "200": 1}, (fault, answers())

control("/__reset", {})
control("/__faults", [{"fault": 400}])
try:
    client.embeddings.create(model=model, input="hello")
except openai.BadRequestError:
    assert answers() == {"400": 1}, answers()
else:
    raise AssertionError("a refusal was not told")

# A whole minute's tokens in one request, then a wait for the share of the next one.
control("/__reset", {})
limit = int(client.embeddings.with_raw_response.create(model=model, input="a").headers["x-ratelimit-limit-tokens"])
start = time.monotonic()
text = "word " * (limit // 12)
for _ in range(12):
    client.embeddings.create(model=model, input=text)
assert time.monotonic() - start > 1, "the limit was not felt"
assert answers().get("429", 0) > 0, answers()
print("ok")
