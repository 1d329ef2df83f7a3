# SPDX-License-Identifier: GPL-2.0-or-later
# ovs-bpf. The module itself is described by Kbuild and kmod/Kbuild.

KVER ?= $(shell scripts/setup --kernel)
KDIR ?= /lib/modules/$(KVER)/build
T ?=

help:
	@echo "make check         set up, build, run all tests (T=NAME: one group or one test)"
	@echo "make setup         install what building and testing needs (root; once)"
	@echo "make kmod          build kmod/openvswitch.ko (KVER=version or KDIR=headers)"
	@echo "make progs         build the BPF programs"
	@echo "make lint          shellcheck of the scripts, sparse on the module"
	@echo "make clean         remove what was built"

setup:
	@scripts/setup

kmod: setup
	@$(MAKE) -s -C $(KDIR) M=$(CURDIR) modules
	@scripts/btf kmod/openvswitch.ko $(KVER)

progs: setup
	@$(MAKE) -s -C bpf-progs

check: kmod progs
	@scripts/check $(T)

lint: setup
	shellcheck -x scripts/setup scripts/btf scripts/check scripts/vm selftests/*/*.sh
	touch kmod/*.c
	$(MAKE) -C $(KDIR) M=$(CURDIR) C=1 W=1 modules

clean:
	@rm -rf build
	@$(MAKE) -s -C bpf-progs clean
	@if [ -d $(KDIR) ]; then $(MAKE) -s -C $(KDIR) M=$(CURDIR) clean; fi

.PHONY: help setup kmod progs check lint clean
