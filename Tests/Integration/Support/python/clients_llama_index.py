"""llama-index's QdrantVectorStore asks a migrated collection: clients_llama_index.py QUESTION.

The services are named by the program's own settings in the environment. Prints the best hit, its id and its text, of a
hybrid and of a sparse search. Words become sparse vectors by fastembed's `Qdrant/bm25`, dense vectors come from the
served embedder.
"""

import os
import pathlib
import re
import sys
import tempfile
import warnings

import openai
from fastembed.sparse.bm25 import Bm25
from llama_index.core.vector_stores import VectorStoreQuery
from llama_index.core.vector_stores.types import VectorStoreQueryMode
from llama_index.vector_stores.qdrant import QdrantVectorStore
from qdrant_client import QdrantClient

question = sys.argv[1]
setting = os.environ.__getitem__
warnings.filterwarnings("ignore", message=".*insecure connection.*")

# fastembed would fetch the stop words of `Qdrant/bm25`; ours are the same.
source = pathlib.Path(__file__).parents[4] / "Sources/TextProcessing/Sparse/StopWords/StopWords.swift"
words = re.search(r'static let english = """\n(.*?)"""', source.read_text(encoding="utf-8"), re.S)[1].split()
with tempfile.TemporaryDirectory() as folder:
    pathlib.Path(folder, "english.txt").write_text("\n".join(words), encoding="utf-8")
    bm25 = Bm25("Qdrant/bm25", specific_model_path=folder)


def sparse(vectors):
    vectors = list(vectors)
    return [vector.indices.tolist() for vector in vectors], [vector.values.tolist() for vector in vectors]


store = QdrantVectorStore(
    collection_name=setting("QDRANT_COLLECTION_NAME"),
    client=QdrantClient(url=setting("QDRANT_URL"), api_key=setting("QDRANT_API_KEY"), timeout=30),
    enable_hybrid=True,
    dense_vector_name="child",
    sparse_vector_name="child-sparse",
    sparse_doc_fn=lambda texts: sparse(bm25.embed(texts)),
    sparse_query_fn=lambda texts: sparse(bm25.query_embed(texts)),
)
embedder = openai.OpenAI(base_url=setting("OPENAI_BASE_URL"), api_key=setting("OPENAI_API_KEY"))
dense = embedder.embeddings.create(model="text-embedding-3-small", input=[question], dimensions=1536).data[0].embedding
for mode in (VectorStoreQueryMode.HYBRID, VectorStoreQueryMode.SPARSE):
    hits = store.query(
        VectorStoreQuery(query_embedding=dense, query_str=question, mode=mode, similarity_top_k=3, sparse_top_k=3)
    )
    print(mode.value, hits.ids[0], hits.nodes[0].text)
