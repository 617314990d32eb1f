"""The usual retrieval, alone: `python -m benchmarks.usual CHROMA_FOLDER`.

sentence-transformers embeds the question, Chroma finds the ten nearest passages; no policy, no
answer, no record. A line of input is a question (`text`), a line of output its processor time.
"""

import json
import resource
import sys
import time
from pathlib import Path

import chromadb
from chromadb.config import Settings

from knowledge.embedding import DEFAULT_MODEL
from knowledge.export import locate


def main(folder: Path) -> None:
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)
    model = SentenceTransformer(str(locate(DEFAULT_MODEL)), device="cpu")
    client = chromadb.PersistentClient(
        path=str(folder), settings=Settings(anonymized_telemetry=False)
    )
    collection = client.get_collection("passages", embedding_function=None)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        start = time.process_time()
        vector = model.encode([asked["text"]], show_progress_bar=False)
        embedded = time.process_time()
        collection.query(query_embeddings=vector, n_results=10)
        answer = {
            "cpu_ms": (time.process_time() - start) * 1000,
            "embed_ms": (embedded - start) * 1000,
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
