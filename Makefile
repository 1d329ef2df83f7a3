# SPDX-License-Identifier: GPL-2.0-or-later
# ovs-bpf. The module itself is described by Kbuild and kmod/Kbuild.

KVER ?= $(shell scripts/setup --kernel)
KDIR ?= /lib/modules/$(KVER)/build
T ?=

help:
	@echo "make check         set up, build, run all tests (T=NAME: one group or one test)"
	@echo "make check-full    the same and more: all of it on Linux 6.12 too, the stock module's"
	@echo "                   runs of the tests, both debug kernels; takes hours (T=NAME)"
	@echo "make check-debug   set up, build, run the tests on the x86 debug kernel (T=NAME)"
	@echo "make debug-kernel-uml, debug-kernel-x86   build a kernel that reports its own faults (once)"
	@echo "make demo          set up, build, show the main job: a load balancer in the switch"
	@echo "make bench         set up, build, measure (ROWS='NAME...': some of scripts/bench --list)"
	@echo "make bench-check   compare a few rows with bench/ratios.json, some minutes"
	@echo "make bench-plots   draw what was measured last: build/bench/*.svg"
	@echo "make setup         install what building and testing needs (root; once)"
	@echo "make kmod          build kmod/openvswitch.ko (KVER=version or KDIR=headers)"
	@echo "make progs         build the BPF programs"
	@echo "make userspace     build ovs-bpfd and ovs-bpfctl"
	@echo "make install       install daemon, command line, manuals, service, headers, programs"
	@echo "                   (PREFIX=/usr/local, DESTDIR=); the module is DKMS's (dkms.conf)"
	@echo "make lint          shellcheck of the scripts; sparse and W=1 on the module, for both kernels"
	@echo "make clean         remove what was built"

setup:
	@scripts/setup

kmod: setup
	@$(MAKE) -s -C $(KDIR) M=$(CURDIR) modules
	@scripts/btf kmod/openvswitch.ko $(KVER)

progs: setup
	@$(MAKE) -s -C bpf-progs

userspace: setup
	@$(MAKE) -s -C userspace

# Not "setup": where a package is built, nothing is to be installed.
install:
	@$(MAKE) -s -C bpf-progs install
	@$(MAKE) -s -C userspace install

demo: kmod progs userspace
	@scripts/demo

check: kmod progs userspace
	@scripts/check $(T)

check-full: kmod progs userspace debug-kernel-uml debug-kernel-x86
	@scripts/check --full $(T)

check-debug: kmod progs userspace debug-kernel-x86
	@scripts/check --debug $(T)

bench: kmod progs userspace
	@scripts/bench $(ROWS)

bench-check: kmod progs
	@scripts/bench --check

bench-plots:
	@scripts/bench --plots

debug-kernel-uml debug-kernel-x86: setup
	@scripts/debug-kernel $(@:debug-kernel-%=%)

lint: setup
	shellcheck -x scripts/setup scripts/btf scripts/demo scripts/vm scripts/uml \
		scripts/uml-init scripts/guest-stage2 scripts/debian-root scripts/with-ovs scripts/debug-kernel scripts/build-kmod selftests/*/*.sh
	@for k in $(KVER) $(shell scripts/setup --kernel 6.12); do \
		scripts/build-kmod --lint $$k || exit; \
	done

clean:
	@rm -rf build
	@$(MAKE) -s -C bpf-progs clean
	@$(MAKE) -s -C userspace clean
	@$(MAKE) -s -C bench clean
	@if [ -d $(KDIR) ]; then $(MAKE) -s -C $(KDIR) M=$(CURDIR) clean; fi

.PHONY: help setup kmod progs userspace install demo check check-full check-debug bench \
	bench-check bench-plots \
	debug-kernel-uml debug-kernel-x86 lint clean
