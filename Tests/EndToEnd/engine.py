"""A vLLM engine in a process of its own, driven by JSON lines.

Run by `Engine` in engine_process.py: requests come on standard input, answers go to descriptor 3. The only
argument is JSON: the model's directory and vLLM's kv_transfer_config.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

LONGEST_MODEL_LENGTH = 8448
# How long blocks of ended requests may take to be free, as they are kept until they are stored.
RESET_SECONDS = 10


def make_engine(arguments: dict[str, Any]) -> Any:
    from vllm import LLM

    return LLM(
        model=arguments["model"],
        dtype="float32",
        skip_tokenizer_init=True,
        max_model_len=LONGEST_MODEL_LENGTH,
        # One step takes the longest prompt: ExampleConnector stores only what the first one computes.
        max_num_batched_tokens=arguments.get("batched_tokens", LONGEST_MODEL_LENGTH),
        max_num_seqs=8,
        enforce_eager=True,
        enable_prefix_caching=True,
        kv_transfer_config=arguments.get("transfer"),
        seed=0,
    )


def generate(engine: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Answers prompts together: how long that took, and for each its tokens and what was cached."""
    from vllm import SamplingParams

    sampling = SamplingParams(
        temperature=0, max_tokens=request["tokens"], ignore_eos=True, logprobs=5, detokenize=False
    )
    salt = {"cache_salt": request["salt"]} if request.get("salt") else {}
    prompts = [{"prompt_token_ids": prompt, **salt} for prompt in request["prompts"]]
    began = time.perf_counter()
    outputs = engine.generate(prompts, sampling, use_tqdm=False)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "answers": [describe(output) for output in outputs]}


def describe(output: Any) -> dict[str, Any]:
    answer = output.outputs[0]
    likely = [{str(token): entry.logprob for token, entry in place.items()} for place in answer.logprobs]
    return {"tokens": list(answer.token_ids), "cached": output.num_cached_tokens, "likely": likely}


def reset(engine: Any) -> dict[str, Any]:
    """Empties vLLM's own cache, so that only the connector's is left."""
    end = time.monotonic() + RESET_SECONDS
    while not engine.reset_prefix_cache():
        if time.monotonic() > end:
            raise TimeoutError("vLLM's blocks are not free after requests have ended")
        time.sleep(0.02)
    return {}


def serve(answers: Any) -> None:
    engine = make_engine(json.loads(sys.argv[1]))
    answers({"ready": True})
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "stop":
            break
        try:
            answers(generate(engine, request) if request["do"] == "generate" else reset(engine))
        except Exception as error:
            answers({"error": f"{type(error).__name__}: {error}"})
    del engine


def main() -> None:
    stream = os.fdopen(3, "w", buffering=1)

    def answers(value: dict[str, Any]) -> None:
        stream.write(json.dumps(value) + "\n")

    try:
        serve(answers)
    except Exception as error:
        answers({"error": f"{type(error).__name__}: {error}"})
        raise


if __name__ == "__main__":
    main()
