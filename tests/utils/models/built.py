"""Tiny random models of many families, for tests that ask what a configuration says."""

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel, logging

ROPE = {
    "hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 64,
    "num_key_value_heads": 2, "max_position_embeddings": 64,
}  # fmt: skip
SLIDING = {"sliding_window": 4, "layer_types": ["sliding_attention", "full_attention"] * 2}
SIZES = {
    "gpt2": {"n_embd": 32, "n_layer": 4, "n_head": 4, "n_positions": 64},
    "llama": ROPE,
    "qwen2": {**ROPE, "tie_word_embeddings": True},
    "qwen3": {**ROPE, "head_dim": 12},
    "mistral": {**ROPE, "sliding_window": 4},
    "smollm3": {**ROPE, "no_rope_layers": [1, 0, 1, 1]},
    "gemma2": {**ROPE, **SLIDING, "head_dim": 8},
    "gemma3_text": {**ROPE, **SLIDING, "head_dim": 8},
    "gpt_bigcode": {"n_embd": 32, "n_layer": 4, "n_head": 4, "n_positions": 64, "multi_query": True},
    "opt": {
        "hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "ffn_dim": 64,
        "max_position_embeddings": 64, "word_embed_proj_dim": 32,
    },
    "gpt_neox": {key: value for key, value in ROPE.items() if key != "num_key_value_heads"},
    "phi": ROPE,
}  # fmt: skip


def tiny(family: str, **settings: object) -> PreTrainedModel:
    """A model of 4 blocks and 40 tokens with weights that are large enough to matter, in eval mode."""
    logging.set_verbosity_error()
    sizes = {**SIZES[family], "vocab_size": 40, "bos_token_id": 1, "eos_token_id": 0, "pad_token_id": 0, **settings}
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **sizes), dtype=torch.float32)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.3)
    return model.eval()
