# Reprise: `make run` starts a node, `make test` runs every test. `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help build run test quick core clients python wheel library e2e wire soak simulate fuzz tsan asan
.PHONY: bench bench-local lint format clean

help: ## Lists the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

build: ## Builds the node and the command line tool for use
	swift build -c release --product reprise

run: build ## Builds and starts a node with its defaults
	.build/release/reprise serve $(ARGUMENTS)

test: ## Installs what the tests need and runs all of them
	scripts/test

quick: ## Inner loop: all Swift tests in debug, nothing else
	swift test

core: ## Inner loop: the tests of one target, FILTER=RepriseCoreTests by default
	swift test --filter '$(or $(FILTER),RepriseCoreTests)'

wire: ## Inner loop: raw-socket tests against a debug node (standard library Python only)
	swift build --product reprise
	$$(scripts/find-python) Tests/Clients/test_wire.py
	$$(scripts/find-python) Tests/Clients/test_slow_peers.py
	$$(scripts/find-python) -m unittest discover -s Tests/Clients -t Tests/Clients -p 'test_resp_*.py'

clients: ## The client tests alone, LMCache's own client among them
	scripts/test clients

python: ## The Python package's tests, on each Python from 3.10 to 3.13 that there is
	scripts/test python

wheel: ## Builds the Python package with the library inside into .build/wheels
	scripts/wheel

library: ## Builds libreprise.so and its header into .build/library
	scripts/library

e2e: ## vLLM with the connector and a node: times to the first token, restarts, a node that dies
	scripts/test e2e

tsan: ## The concurrent parts under ThreadSanitizer
	scripts/test tsan

asan: ## The concurrent parts under AddressSanitizer
	scripts/test asan

fuzz: ## Fuzzes every parser, FUZZ_SECONDS=300 each by default
	Fuzz/run.sh $(or $(FUZZ_SECONDS),300)

soak: ## 100 rounds of killed clients, 200 of a killed node with a disk, 10,000 damages of its files
	SOAK_ROUNDS=$(or $(SOAK_ROUNDS),100) DISK_ROUNDS=$(or $(DISK_ROUNDS),200) \
	DISK_DAMAGES=$(or $(DISK_DAMAGES),10000) scripts/test soak

simulate: ## The disk backend on a failing device, SEEDS=10000 from FIRST=0 on
	swift build -c release --product simulate
	.build/release/simulate $(or $(FIRST),0) $(or $(SEEDS),10000)

bench: ## All benchmarks: in-process ones, then the loopback limit, LMCache's server and Reprise
	scripts/bench

bench-local: ## The local protocol beside a bare socket, memcpy and LMCache's own local stores
	scripts/bench-local

lint: ## Checks the form of every source file
	scripts/lint

format: ## Rewrites the Swift files in the house format
	scripts/format

clean: ## Removes what was built
	rm -rf .build Benchmarks/.build Examples/.build Fuzz/.build
