/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the filter at a socket for upcalls, and the handler behind it, share. */
#ifndef GATE_BPF_H
#define GATE_BPF_H 1

/* Ports of higher numbers share the last lane. */
#define GATE_LANES 4096

/**
 * struct lane - upcalls of a port, at one handler
 * @in: those that the filter has let in; written by the filter alone.
 * @out: those of them that have been dealt with; written by the handler alone.
 * @max: @in less @out, at most; written by the handler alone.
 * @pad: none.
 * @lost: those that were not let in; written by the filter alone.
 */
struct lane {
	__u32 in;
	__u32 out;
	__u32 max;
	__u32 pad;
	__u64 lost;
};

#endif
