"""Starts and drives vLLM engines, each in a process group of its own."""

from __future__ import annotations

import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import time
from typing import Any

HERE = pathlib.Path(__file__).parent
START_SECONDS = 240
ANSWER_SECONDS = 180
STOP_SECONDS = 30
ENVIRONMENT = {
    # Nothing is fetched and nothing is reported.
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_LOGGING_LEVEL": "WARNING",
    "PYTHONUNBUFFERED": "1",
}


class EngineError(AssertionError):
    """The engine has answered with an error, or not at all."""


class Engine:
    """A vLLM engine with one connector.

    - transfer: vLLM's kv_transfer_config, or `None`.
    - log: where its output goes.
    """

    def __init__(self, model: pathlib.Path, transfer: dict[str, Any] | None, log: pathlib.Path, **more: Any):
        self.log = log
        reading, writing = os.pipe()
        arguments = json.dumps({"model": str(model), "transfer": transfer, **more})
        # Descriptor 3 is the writing end, whatever number it has here.
        command = f'exec "$0" "$@" 3>&{writing}'
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                ["bash", "-c", command, sys.executable, str(HERE / "engine.py"), arguments],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=(writing,),
                start_new_session=True,
                env={**os.environ, **ENVIRONMENT},
            )
        os.close(writing)
        self._answers = os.fdopen(reading, "rb", buffering=0)
        self._pending = b""

    def wait_ready(self) -> Engine:
        """Waits until the engine has loaded the model."""
        self._answer(START_SECONDS)
        return self

    def begin(self, prompts: list[list[int]], tokens: int, salt: str | None = None) -> None:
        """Sends prompts, whose answers `finish` returns."""
        self._send({"do": "generate", "prompts": prompts, "tokens": tokens, "salt": salt})

    def finish(self) -> dict[str, Any]:
        """What the engine has answered."""
        return self._answer(ANSWER_SECONDS)

    def generate(self, prompts: list[list[int]], tokens: int, salt: str | None = None) -> dict[str, Any]:
        """Answers prompts."""
        self.begin(prompts, tokens, salt)
        return self.finish()

    def reset(self) -> None:
        """Empties vLLM's own cache."""
        self._send({"do": "reset"})
        self._answer(ANSWER_SECONDS)

    def stop(self) -> None:
        """Ends the engine, by force if it does not end by itself. May be called more than once."""
        if self._answers.closed:
            return
        try:
            self._send({"do": "stop"})
            self.process.stdin.close()
            self.process.wait(STOP_SECONDS)
        except (OSError, subprocess.TimeoutExpired):
            pass
        try:
            # vLLM's own children are of the same group.
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self._answers.close()

    def _send(self, request: dict[str, Any]) -> None:
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()

    def _answer(self, seconds: float) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while b"\n" not in self._pending:
            ready, _, _ = select.select([self._answers], [], [], max(0.0, end - time.monotonic()))
            part = self._answers.read(1 << 16) if ready else b""
            if not part:
                why = "it has ended" if ready else f"it said nothing for {seconds} s"
                raise EngineError(f"no answer of vLLM, {why}; the end of {self.log}:\n{self._log_end()}")
            self._pending += part
        line, self._pending = self._pending.split(b"\n", 1)
        answer = json.loads(line)
        if "error" in answer:
            raise EngineError(f"vLLM: {answer['error']}; the end of {self.log}:\n{self._log_end()}")
        return answer

    def _log_end(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-25:])
