/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VERSION_H
#define VERSION_H 1

#define OVS_BPF_VERSION "0.1"

/* Where pidfile and control socket are: where ovs-appctl looks. */
#define DEFAULT_RUNDIR "/run/openvswitch"

#endif
