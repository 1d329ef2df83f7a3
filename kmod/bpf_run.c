// SPDX-License-Identifier: GPL-2.0
/*
 * Which programs may run here.
 */
#include "bpf.h"

/**
 * ovs_bpf_prog_get - take hold of the program behind a descriptor
 * @fd: a descriptor of the current process.
 * @filter: set to whether the program is a filter.
 * @why: if it is refused, set to a sentence that says why.
 *
 * A program that is bound to a device can't run here.
 *
 * Context: process, that of the sender of a request.
 * Return: the program, a reference; -EBADF if @fd is not open; -EINVAL if it is
 * no program, or one that can't run here.
 */
struct bpf_prog *ovs_bpf_prog_get(int fd, bool *filter, const char **why)
{
	struct bpf_prog *prog;

	*filter = false;
	prog = bpf_prog_get_type_dev(fd, BPF_PROG_TYPE_SCHED_CLS, false);
	if (IS_ERR(prog) && PTR_ERR(prog) == -EINVAL) {
		*filter = true;
		prog = bpf_prog_get_type_dev(fd, BPF_PROG_TYPE_LWT_OUT, false);
	}
	if (!IS_ERR(prog))
		return prog;
	*why = "BPF program: the descriptor is not a program of type SCHED_CLS or LWT_OUT";
	if (PTR_ERR(prog) == -EBADF) {
		*why = "BPF program: the descriptor is not an open descriptor";
	} else if (PTR_ERR(prog) == -EINVAL) {
		struct bpf_prog *bound;

		bound = bpf_prog_get_type_dev(fd, BPF_PROG_TYPE_SCHED_CLS,
					      true);
		if (!IS_ERR(bound)) {
			*why = "BPF program: the descriptor is a program that is bound to a device";
			bpf_prog_put(bound);
		}
	}
	return prog;
}
