"""Makes a small Llama with random weights, so that nothing has to be downloaded."""

from __future__ import annotations

import pathlib

VOCABULARY = 2048
# Large enough that the answers depend on the prompt, and do not repeat one token.
WEIGHT_RANGE = 0.06
SEED = 7


def make(directory: pathlib.Path) -> None:
    """Writes the model's configuration and weights. 16 KiB of keys and values a token, in float32."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(SEED)
    configuration = LlamaConfig(
        architectures=["LlamaForCausalLM"],
        vocab_size=VOCABULARY,
        hidden_size=512,
        intermediate_size=1536,
        num_hidden_layers=8,
        num_attention_heads=8,
        num_key_value_heads=4,
        max_position_embeddings=9216,
        initializer_range=WEIGHT_RANGE,
        tie_word_embeddings=False,
        bos_token_id=0,
        eos_token_id=1,
    )
    LlamaForCausalLM(configuration).save_pretrained(directory)


if __name__ == "__main__":
    import sys

    make(pathlib.Path(sys.argv[1]))
