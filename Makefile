# smf-spf. `make help` lists what can be made.
SHELL = /bin/sh
NODE ?= node
NPM ?= npm
TSX = $(NODE) --import tsx

# Where `make install` puts things; packagers set DESTDIR.
PREFIX ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
SHAREDIR ?= $(PREFIX)/share
DATADIR ?= $(PREFIX)/share/smf-spf
CONFDIR ?= /etc/mail/smfs
RUNDIR ?= /var/run/smfs
UNITDIR ?= $(PREFIX)/lib/systemd/system
DOCDIR ?= $(PREFIX)/share/doc/smf-spf
SMFS_USER ?= smfs
# For packagers: node's path on the machine that the package is for, which is written into the programs.
TARGET_NODE ?=
# systemd, sysv, openrc, freebsd, slackware or none; guessed where it is not given.
INIT ?=
INSTALL_VARS = NODE=$(NODE) DESTDIR=$(DESTDIR) SBINDIR=$(SBINDIR) BINDIR=$(BINDIR) MANDIR=$(MANDIR) \
	SHAREDIR=$(SHAREDIR) DATADIR=$(DATADIR) DOCDIR=$(DOCDIR) CONFDIR=$(CONFDIR) RUNDIR=$(RUNDIR) UNITDIR=$(UNITDIR) SMFS_USER=$(SMFS_USER) \
	INIT=$(INIT) PREFIX=$(PREFIX) TARGET_NODE=$(TARGET_NODE)

SPF_SUITES ?= ../shared/spf-suites
export SPF_SUITES

.PHONY: help deps build check format unit test conformance fuzz soak e2e e2e-deb bench bench-report audit demo screenshots run install uninstall packages dist clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { \
		line = sprintf("  make %-12s", $$1); n = split($$2, words, " "); \
		for (i = 1; i <= n; i++) { \
			if (length(line) + length(words[i]) >= 80) { print line; line = sprintf("%19s", "") } \
			line = line " " words[i] \
		} \
		print line }' $(MAKEFILE_LIST)

# The installed packages, again whenever the lock file changes.
node_modules/.package-lock.json: package.json package-lock.json
	$(NPM) ci --no-progress
	@touch $@

deps: node_modules/.package-lock.json

build: deps ## the programs in dist, single files for node alone
	$(NODE) build.mjs

check: deps ## formatter, linter, types, architecture
	npx biome ci .
	npx eslint src test
	npx tsc -p .
	npx tsc -p src/status/page
	$(TSX) test/run.ts test/unit/architecture.test.ts

format: deps ## rewrite the sources in the project's format
	npx biome check --write .

unit: deps ## the unit tests, the quick loop while you work
	$(TSX) test/run.ts test/unit

test: deps build ## everything that needs no root, no MTA and no network (SCENARIOS=all FUZZ_SECONDS=55: the long form)
	$(TSX) test/run.ts

conformance: deps ## the SPF suites: suite, passed, total
	$(TSX) test/system/conformance/main.ts

fuzz: deps ## hostile bytes, records and zones for FUZZ_SECONDS (600), seed printed
	$(TSX) test/tools/fuzz/main.ts

soak: deps ## 64 connections, flapping DNS, reloads and attacks for SOAK_SECONDS (300), seed printed
	$(TSX) test/tools/soak/main.ts

e2e: deps build ## real Sendmail and real Postfix in namespaces of their own, and the container by buildah; needs root on Debian
	$(TSX) test/system/e2e/main.ts
	$(TSX) test/run.ts test/system/container

e2e-deb: dist ## a Debian 13 of its own under systemd: the .deb to its purge, an upgrade, the documents to the letter, compose; needs root on Debian
	$(TSX) test/system/deb/main.ts

bench: deps build ## messages a second and waits, against any other milter socket too
	$(TSX) test/tools/bench/$(if $(PEERS),mta/with-peers.ts,main.ts)

bench-report: deps build ## time and memory of spfreport for logs of one and of ten million lines
	$(TSX) test/tools/bench-report/main.ts

audit: deps ## known vulnerabilities in the packages (exit 1: some, exit 69: registry gave no answer)
	@NPM='$(NPM)' $(TSX) test/tools/audit/main.ts

demo: deps build ## the daemon with a small zone, and messages played through it
	@$(TSX) test/tools/demo/main.ts

screenshots: deps build ## the pictures in README, by Chromium
	$(TSX) test/tools/screenshots/main.ts

run: deps ## serve a real MTA in the foreground from the source tree (CONFIG=file)
	$(TSX) src/smf-spf/main.ts -f $(if $(CONFIG),-c $(CONFIG))

install: ## what make build made: programs, man pages, sample configuration, init script (DESTDIR= PREFIX= INIT=)
	@$(INSTALL_VARS) sh init/install.sh install

uninstall: ## remove what install has put there
	@$(INSTALL_VARS) sh init/install.sh uninstall

packages: deps ## dist/packages: milter-protocol and spf-check for others, as ES modules with types
	PACKAGE_REPOSITORY='$(PACKAGE_REPOSITORY)' $(NODE) packages.mjs

dist: build ## dist/smf-spf-VERSION.tar.gz and, on Debian, dist/smf-spf_VERSION_all.deb and its source package
	sh init/dist.sh

clean: ## remove what was built
	rm -rf dist
