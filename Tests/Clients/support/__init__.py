"""What the client tests, the soak and the benchmarks share: the lm:// codec and a node under test."""
