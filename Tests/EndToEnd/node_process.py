"""Starts and stops a Reprise node with a disk."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import time

START_SECONDS = 30
STOP_SECONDS = 60


class Node:
    """A node on a Unix socket.

    - program: the `reprise` tool.
    - directory: for the socket, the disk and the log.
    """

    def __init__(self, program: pathlib.Path, directory: pathlib.Path, memory="1GiB", disk="2GiB"):
        self.socket = directory / "node.sock"
        self._log = directory / "node.log"
        disk_directory = directory / "disk"
        disk_directory.mkdir(exist_ok=True)
        self._command = [str(program), "serve", "--no-tcp", "--unix", str(self.socket)]
        self._command += ["--memory", memory, "--disk", f"{disk_directory}:{disk}"]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Node:
        """Starts it, and waits until it listens."""
        self.socket.unlink(missing_ok=True)
        with self._log.open("ab") as output:
            # It takes variables of its own name for its configuration, and the tests' are not among them.
            variables = os.environ.items()
            environment = {name: value for name, value in variables if not name.startswith("REPRISE_")}
            self._process = subprocess.Popen(self._command, stdout=output, stderr=output, env=environment)
        end = time.monotonic() + START_SECONDS
        while not self.socket.exists():
            if self._process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"the node does not start:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.02)
        return self

    def restart(self) -> None:
        """Stops it in an orderly way, and starts it again on the same disk."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """Kills it without a warning."""
        self._process.kill()
        self._process.wait()

    def pause(self) -> None:
        """Lets it hang: its socket is there, and nothing answers."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets it go on."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Stops it in an orderly way, if it runs."""
        if self._process is None or self._process.poll() is not None:
            return
        self.resume()
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the node does not end within {STOP_SECONDS} s of SIGTERM") from None
