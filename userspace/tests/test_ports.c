// SPDX-License-Identifier: GPL-2.0-or-later
/* The ports that the switch knows: those that the datapath tells, if it does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../daemon/switch.h"
#include "../lib/log.h"

/* There is no event loop to leave. */
void sw_leave(void)
{
}

static struct sw sw;

static void test_ports(void **state)
{
	int ifindex = sw.nl.dp_ifindex;
	uint64_t gen;

	(void)state;
	assert_int_equal(dpnl_port_add(&sw.nl, "p1", false, 1, 0), 0);
	assert_int_equal(dpnl_port_add(&sw.nl, "p2", false, 2, 0), 0);
	sw_ports_refresh(&sw);
	assert_int_equal(sw.n_ports, 3);
	/* It can't be asked: that does not mean that there are none. */
	gen = sw.gen;
	sw.nl.dp_ifindex = -1;
	sw_ports_refresh(&sw);
	assert_int_equal(sw.n_ports, 3);
	assert_int_equal(sw.ports[2], 2);
	assert_int_equal(sw.gen, gen);
	sw.nl.dp_ifindex = ifindex;
	assert_int_equal(dpnl_port_del(&sw.nl, "p2"), 0);
	sw_ports_refresh(&sw);
	assert_int_equal(sw.n_ports, 2);
	assert_true(sw.gen > gen);
}

/* A list that breaks off changes nothing, whatever it has told: names fit their numbers. */
static void test_broken_list(void **state)
{
	uint64_t gen;

	(void)state;
	assert_int_equal(dpnl_port_add(&sw.nl, "p2", false, 2, 0), 0);
	sw_ports_refresh(&sw);
	gen = sw.gen;
	assert_int_equal(dpnl_port_del(&sw.nl, "p1"), 0);
	assert_int_equal(dpnl_port_add(&sw.nl, "broken", false, 1, 0), 0);
	sw_ports_refresh(&sw);
	assert_int_equal(sw.n_ports, 3);
	assert_int_equal(sw.ports[1], 1);
	assert_string_equal(sw.port_names[1], "p1");
	assert_string_equal(sw.port_names[2], "p2");
	assert_int_equal(sw.gen, gen);
}

static int setup(void **state)
{
	char why[128];

	(void)state;
	log_start("test", false);
	log_set("console:off", why, sizeof(why));
	if (sw_init(&sw, "ports", 10000) || dpnl_open(&sw.nl))
		return -1;
	turn_take(&sw.turn);
	sw.n_pids = 1;
	return dpnl_dp_open(&sw.nl, sw.dp, true, sw.pids, sw.n_pids) < 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports), cmocka_unit_test(test_broken_list),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
