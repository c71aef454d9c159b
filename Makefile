# The entry point. Each target is one readable script in scripts/, which sets up a fresh Debian machine by itself
# that has the Swift toolchain, git and make.

.PHONY: help quickstart demo test integration bench chaos fuzz simulate sanitize lint release integration-docker first-run first-run-http

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

quickstart: ## a first migration without PostgreSQL: MariaDB to Qdrant's interface, tracked in a file, then one search
	@scripts/quickstart

demo: ## the whole job with real databases: MariaDB to Qdrant's interface, tracked in PostgreSQL, then one search
	@scripts/demo

test: ## every test, against private MariaDB, MySQL and PostgreSQL servers and Qdrant's own engine
	@scripts/test

integration: ## only the tests that need servers
	@scripts/test --filter '^Integration\.'

bench: ## the benchmarks behind the numbers in the README
	@scripts/bench

chaos: ## jobs whose processes and servers are killed, and the long races: make chaos MINUTES=3 STORE=sqlite
	@STORE=$(STORE) scripts/chaos $(MINUTES)

fuzz: ## 60,000 broken requests to the stand-ins; 108,000 texts compared with tiktoken and fastembed
	@scripts/fuzz

simulate: ## 10,000 whole migrations in virtual time, under faults
	@scripts/simulate

sanitize: ## Thread Sanitizer over the tests with threads; Address Sanitizer and its check for leaks over a whole job
	@scripts/sanitize

lint: ## the formatter's rules, and the syntax of every script
	@scripts/lint

release: ## both programs, optimised and stripped, with Swift's own libraries inside them
	@scripts/release

integration-docker: ## the integration tests against the servers of docker-compose.test.yml
	@scripts/integration-docker

first-run: ## 20,000 real texts, killed half way and resumed; prints the figures of docs/first-run.md
	@scripts/first-run

first-run-http: ## 5,000 of these texts over the HTTP transport, with the same end state
	@scripts/first-run-http
