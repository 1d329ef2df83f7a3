// SPDX-License-Identifier: GPL-2.0
/* Bodies of the tracepoints. */
#define CREATE_TRACE_POINTS
#include "openvswitch_trace.h"
