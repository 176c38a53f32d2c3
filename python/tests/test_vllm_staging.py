"""The worker with copies through staging buffers, as for a device, here with tensors on the CPU."""

from __future__ import annotations

import unittest

try:
    import torch
except ImportError:
    raise unittest.SkipTest("torch is not installed") from None

import test_vllm_worker
from test_vllm_worker import SESSION
from vllm_parts import FakeClient, part

staging, messages, transfers = part("staging"), part("messages"), part("transfers")


class StagedWorkerTests(test_vllm_worker.WorkerTests):
    """The worker's tests, with three buffers, so that chunks wait for them."""

    def tensor(self, array):
        return torch.from_numpy(array)

    def mover(self, client):
        return staging.StagedMover(client, self.layout, 2, 3 * 2 * self.layout.block_bytes)

    def step(self, **orders):
        """As many steps as the stages take, if nothing is stuck."""
        result = super().step(**orders)
        for _ in range(0 if self.node.is_stuck else 8):
            more = super().step()
            result = tuple(first | second for first, second in zip(result, more, strict=True))
        return result

    def test_chunks_are_as_those_of_direct_copies(self):
        for dtype in (torch.float32, torch.bfloat16, torch.float8_e4m3fn):
            whole = torch.randint(0, 255, (2, 6, 3, 4, 8 * dtype.itemsize), dtype=torch.uint8).view(dtype)
            turned = whole[1].transpose(1, 2).contiguous().transpose(1, 2)
            tensors = {"a": whole[0], "b": turned, "c": whole[0][:, :1].contiguous(), "d": whole[1][:, :, :1]}
            made = part("layout").Layout(tensors)
            stored = []
            for mover in (
                transfers.DirectMover(client := FakeClient(self.node), made),
                staging.StagedMover(client, made, 2, 1),
            ):
                self.node.values.clear()
                mover.start(transfers.Transfer("a", False, ["x", "y"], [[1, 2], [5, 0]]))
                while not mover.poll():
                    pass
                stored.append(dict(self.node.values))
            self.assertEqual(stored[0], stored[1])
            self.assertEqual(len(stored[0]["x"]), 2 * made.block_bytes)

    def test_more_chunks_than_buffers(self):
        names = [f"k{number}" for number in range(12)]
        self.worker.begin(messages.StepOrders(SESSION, saves=[
            messages.SaveOrder("a", names, [[number] for number in range(12)])
        ]))
        self.worker.save()
        self.worker.ended()
        self.assertLess(len(self.node.values), 12)
        self.step(finishing={"a"})
        self.assertEqual(len(self.node.values), 12)
        wanted = self.copies([7, 5])
        self.step(loads=[self.load("b", ["k7", "k5"], [[0], [1]])])
        self.assertEqual(self.copies([0, 1]), wanted)


del test_vllm_worker

if __name__ == "__main__":
    unittest.main()
