# Everything a developer types. `make help` lists it.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# Without the project's path in it, a build serves copies of the project too.
export GOFLAGS ?= -trimpath

# What the functions are built for: this machine, because the local stack runs
# them directly. For AWS they are built as infra/environments.yaml says.
OS     ?= $(shell go env GOHOSTOS)
ARCH   ?= $(shell go env GOHOSTARCH)
# The folder of the two policy files: the local stack's, or infra for AWS.
POLICY ?= scripts/local

DEPLOY   := scripts/setup cdk && go build -o .local/bin/ ./scripts/deploy && .local/bin/deploy
TAGS     := store,stack,browser,infra,upgrade
# What checks the SDKs of Python and TypeScript.
SDK      := $(CURDIR)/.local/sdk

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Bring what is missing into .local/ (the other targets do what they need of it)
	@scripts/setup stack store browser examples sdk

.PHONY: build
build: ## Build the functions and their bill of materials into dist/ (OS, ARCH, POLICY; default: for the local stack)
	@scripts/setup go
	@scripts/build $(OS) $(ARCH) $(POLICY)

.PHONY: run
run: ## Start the local stack, deploy to it and run the main job once; the stack stays up (STILLE_PORT: 4566)
	@scripts/setup stack
	@go build -o .local/bin/ ./scripts/stack ./scripts/story ./scripts/stille
	@.local/bin/stack up
	@.local/bin/story

.PHONY: stop
stop: ## End what `make run` started; its data stays for the next run
	@go run ./scripts/stack down

.PHONY: test
test: ## Run every test, on separate ports and folders
	@scripts/setup stack store browser examples sdk
	@scripts/build $(OS) $(ARCH) scripts/local
	@go build -o .local/bin/ ./scripts/test ./scripts/stille ./infra ./scripts/local/phone
	@.local/bin/test

.PHONY: test-upgrade
test-upgrade: ## Deploy an older release (FROM: a commit) to an emulator, then this code over it
	@scripts/setup stack
	@scripts/build $(OS) $(ARCH) scripts/local
	@go build -o .local/bin/ ./scripts/stille ./infra
	@release=$$(scripts/release "$(FROM)") && \
		RELEASE="$$release" go test -tags stack,upgrade -count=1 -timeout 20m ./scripts/local -run TestReleaseIsUpgradedInPlace

.PHONY: quick
quick: ## Run the tests that need no service
	@scripts/setup go
	@go build -o .local/bin/ ./scripts/test
	@.local/bin/test --quick

.PHONY: pictures
pictures: ## Take the documents' pictures of the pages and of the dashboard again
	@scripts/setup browser
	@go test -tags infra -count=1 ./infra -run TestDashboardIsThePicturedOne -renew-pictures
	@go test -tags browser -count=1 ./shared/unsubscribe/pages -run TestPicturesShowThePages -renew-pictures

.PHONY: mutate
mutate: ## Change each operator of the deciding packages: do the quick tests notice? (half an hour)
	@scripts/setup mutate
	@go run ./scripts/mutate

.PHONY: lint
lint: ## Check the style, the import arrows and go.mod
	@scripts/setup lint sdk
	@.local/bin/golangci-lint run --build-tags $(TAGS) ./...
	@go mod tidy -diff
	@cd shared/sdk/python && PATH="$(SDK)/venv/bin:$$PATH" && \
		ruff check -q . ../vectorstest && ruff format -q --check . && mypy --no-error-summary . ../vectorstest/generate.py
	@cd shared/sdk/typescript && PATH="$(SDK)/npm/node_modules/.bin:$$PATH" && \
		tsc && NODE_PATH="$(SDK)/npm/node_modules" eslint .

.PHONY: bench
bench: ## Measure, one line `BENCH name ratio=R ...` a figure
	@scripts/setup store
	@go run ./scripts/bench

.PHONY: synth
synth: ## Leave the templates of an environment in .local/cdk.out (ENV: a name in infra/environments.yaml)
	@$(DEPLOY) synth $(ENV)

# A separate recipe, not $(DEPLOY): the CDK CLI has no part in it.
.PHONY: lint-template
lint-template: ## Judge the templates of every environment with cfn-lint and cdk-nag
	@scripts/setup template
	@go build -o .local/bin/ ./scripts/deploy && .local/bin/deploy lint-template

.PHONY: bootstrap
bootstrap: ## Prepare the account and region of ENV for the CDK, once
	@$(DEPLOY) bootstrap $(ENV)

.PHONY: diff
diff: ## Say what a deploy of ENV would change
	@$(DEPLOY) diff $(ENV)

.PHONY: deploy
deploy: ## Deploy ENV to AWS, with the AWS credentials of this shell
	@$(DEPLOY) deploy $(ENV)

.PHONY: module
module: ## Give the Go module a path of your own, everywhere: MODULE=example.org/you/stille
	@scripts/module "$(MODULE)"

.PHONY: invoke
invoke: ## Call a function of the local stack: FUNCTION=check EVENT=check.two-contacts (a file of events/, without .json)
	@go run ./scripts/stack invoke "$(FUNCTION)" "$(EVENT)"
