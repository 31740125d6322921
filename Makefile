# Run `make` for the list of targets. Tools run at the versions named here and never stand in a go.mod.

GOLANGCI_LINT = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK = go run golang.org/x/vuln/cmd/govulncheck@v1.1.4

MODULES = $(dir $(shell find . -name go.mod))

.DEFAULT_GOAL := help
.PHONY: help test check bench fault soak services stop cover vuln

help: ## Show this list
	@awk -F ': ## ' '/^[a-z]+: ## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## Test every module, with the services that the tests need
	@scripts/test

check: ## Lint, vet, and check that sources are formatted and modules tidy
	@GOLANGCI_LINT=$(GOLANGCI_LINT) scripts/check

bench: ## Measure against the bars; ONLY=dispatch (render, smtp …) runs one group
	@cd bench && GOWORK=off go run . -only "$(ONLY)"

fault: ## Kill workers and databases for FOR=40s, and count what became of every message
	@scripts/fault "$(or $(FOR),40s)"

soak: ## Kill them for half an hour and more: 200 kills with the default lease, and every test of faults in full
	@scripts/fault soak

services: ## Start every service that tests can use, and leave them running
	@scripts/services up
	@echo 'Now `eval "$$(scripts/services env)"` names them to go test.'

stop: ## Stop the services that were started here
	@scripts/services down

cover: ## Test the root module and show what no test reaches
	@mkdir -p .cache
	@GOWORK=off go test -coverpkg=./... -coverprofile=.cache/cover.out ./...
	@go tool cover -html=.cache/cover.out -o .cache/cover.html && go tool cover -func=.cache/cover.out | tail -n 1

vuln: ## Look for known vulnerabilities (needs the Internet)
	@$(foreach m,$(MODULES),(cd $(m) && GOWORK=off $(GOVULNCHECK) ./...) &&) true
