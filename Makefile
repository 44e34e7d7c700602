# Everything a developer or a CI runs. Presupposes make, npm and Node 20 or newer; the Node that runs Fanfare comes with
# the lockfile unless the system's is new enough.

SHELL := /bin/sh
.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := help

bin := node_modules/.bin

# The lockfile's Node stands in node_modules/.bin. It goes first only where the system's is too old.
system_node := $(shell node -p 'parseInt(process.versions.node) >= 24' 2>/dev/null)
ifneq ($(system_node),true)
export PATH := $(CURDIR)/$(bin):$(PATH)
endif

# One stack serves all test files, so two at a time. A handle that leaks fails its file (test/support/leak-guard.ts); an
# empty or, in CI, a skipping run is a failure (test/strict-run.ts).
node_test := node --import ./test/support/leak-guard.ts --test --test-concurrency=2 --test-timeout=180000 \
	--test-reporter=./test/strict-run.ts --test-reporter-destination=stderr \
	--test-reporter=spec --test-reporter-destination=stdout

# A part of the fault matrix, short, with every test run; `make faults` runs all of it.
tested_rows := sender-kill,retry-kill,postgres-hung,redis-down,rolling-restart,rewind
faults := node --disable-warning=TimeoutNegativeWarning test/faults/run.ts

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: setup
setup: ## install the packages that package-lock.json names, if it changed
	@cmp -s package-lock.json node_modules/.installed-lock || { \
		if [ -L node_modules ]; then \
			echo 'node_modules is a link, and installing would empty what it points to: remove it' >&2; exit 1; \
		fi; \
		echo 'installing packages'; \
		npm ci --no-progress --loglevel=error; \
		cp package-lock.json node_modules/.installed-lock; \
	}

.PHONY: demo
demo: setup ## run everything on this machine: 2,000 events through every role (EVENTS=100000 for more)
	@./fanfare demo

.PHONY: test
test: check ## check, then every test on a real stack that is started for it, then a part of the faults
	@$(node_test) --test-global-setup=./test/global-setup.ts \
		'test/unit/**/*.test.ts' 'test/contract/**/*.test.ts' 'test/integration/**/*.test.ts'
	@AGAIN=1 ROW=$(tested_rows) SEED=1 EVENTS=600 FAULT_SECONDS=8 $(faults)

.PHONY: test-unit
test-unit: setup ## the tests that need no stack, in seconds
	@$(node_test) 'test/unit/**/*.test.ts'

.PHONY: faults
faults: setup ## break one thing after the other under load, judged by an independent checker (ROW=, SEED=, EVENTS= select)
	@$(faults)

.PHONY: mutations
mutations: setup ## make one deliberate mistake after the other in a copy of the source: the checks must notice (MUTATION= selects)
	@node --disable-warning=TimeoutNegativeWarning test/faults/mutations/run.ts

.PHONY: bench
bench: setup ## measure against baselines of the same run, counting what comes out (BENCH=router, EVENTS= select)
	@node --disable-warning=TimeoutNegativeWarning bench/run.ts

.PHONY: check
check: setup ## types, lint, house rules, format, unused code
	@$(bin)/tsc -p .
	@$(bin)/oxlint --type-aware
	@$(bin)/oxfmt --check .
	@$(bin)/knip
	@node --test --test-reporter=dot 'test/unit/house-rules/*.test.ts'

.PHONY: format
format: setup ## put the source into its one format
	@$(bin)/oxfmt .

.PHONY: sbom
sbom: setup ## list what the image contains, as CycloneDX
	@node test/support/deployment/sbom.ts

.PHONY: clean
clean: ## remove what runs left behind, downloads included; packages stay
	rm -rf .fanfare coverage
