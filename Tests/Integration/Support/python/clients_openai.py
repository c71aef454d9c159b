"""OpenAI's own client against a served stand-in: clients_openai.py URL KEY. Prints `ok` when everything was as it should be."""

import sys

import openai

url, key = sys.argv[1:]
client = openai.OpenAI(base_url=url, api_key=key, max_retries=0)
model = "text-embedding-3-small"

# The client asks for base64 by itself, and turns it into floats.
answer = client.embeddings.create(model=model, input=["hello world", "東京", "hello world again"])
assert [item.index for item in answer.data] == [0, 1, 2]
assert all(len(item.embedding) == 1536 for item in answer.data)
assert all(abs(sum(x * x for x in item.embedding) - 1) < 1e-3 for item in answer.data)
assert answer.usage.total_tokens > 0 and answer.model == model


def near(left, right):
    return sum(a * b for a, b in zip(left.embedding, right.embedding))


assert near(answer.data[0], answer.data[2]) > 0.5 > near(answer.data[0], answer.data[1])

floats = client.embeddings.create(model=model, input="hello world", encoding_format="float")
assert max(abs(a - b) for a, b in zip(floats.data[0].embedding, answer.data[0].embedding)) < 1e-6
short = client.embeddings.create(model=model, input=[[1, 2, 3], [4]], dimensions=8)
assert [len(item.embedding) for item in short.data] == [8, 8] and short.usage.prompt_tokens == 4
assert model in [listed.id for listed in client.models.list()]

# Errors arrive as the client's own kinds.
for error, call in [
    (openai.BadRequestError, lambda: client.embeddings.create(model=model, input=["a", ""])),
    (openai.BadRequestError, lambda: client.embeddings.create(model=model, input=["a"] * 2049)),
    (openai.BadRequestError, lambda: client.embeddings.create(model=model, input="a", extra_body={"truncate": True})),
    (openai.NotFoundError, lambda: client.embeddings.create(model="gpt-9", input="a")),
    (openai.AuthenticationError, lambda: client.with_options(api_key="sk-x").embeddings.create(model=model, input="a")),
]:
    try:
        call()
    except error as caught:
        assert caught.body["message"] and "type" in caught.body, caught.body
    else:
        raise AssertionError(f"no {error.__name__}")

print("ok")
