"""The tables of the parity test: scripts of commands, by topic."""
