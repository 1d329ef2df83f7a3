// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The daemon's programs without a datapath: loaded, shown, replaced, adopted by
 * the next daemon.  Needs root; pins go into a bpffs of this process's own.
 */
#include <bpf/bpf.h>
#include <jansson.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>
#include <cmocka.h>

#include "../daemon/switch.h"

#define DSCP "bpf-progs/dscp/dscp.bpf.o"
#define ALPHA "bpf-progs/alpha/alpha.bpf.o"
#define LB "bpf-progs/lb/lb.bpf.o"
#define REFUSED "userspace/tests/progs/refused-1.bpf.o"

static struct sw sw = { .dp = "unit" };
static unsigned int n_revalidated;
static char *text;

/* There are no megaflows. */
void sw_revalidate(struct sw *s)
{
	(void)s;
	n_revalidated++;
}

static int setup(void **state)
{
	(void)state;
	if (geteuid())
		return 0;
	return unshare(CLONE_NEWNS) ||
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	       mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL);
}

#define NEEDS_ROOT							\
	do {								\
		(void)state;						\
		if (geteuid()) {					\
			skip();						\
			return;						\
		}							\
	} while (0)

/* Run a command; its answer, or its refusal, is in @text. */
static bool run(const char *(*command)(struct sw *, int, const char **, FILE *),
		int argc, const char **argv)
{
	const char *why;
	size_t size;
	FILE *out;

	free(text);
	text = NULL;
	out = open_memstream(&text, &size);
	why = command(&sw, argc, argv, out);
	fclose(out);
	if (!why)
		return true;
	free(text);
	text = strdup(why);
	return false;
}

static void assert_has(const char *what)
{
	if (!strstr(text, what))
		fail_msg("\"%s\" is not in: %s", what, text);
}

static void load(const char *name, const char *path, bool replace)
{
	char err[4400] = "";

	if (prog_load(&sw, name, path, replace, err, sizeof(err)))
		fail_msg("%s: %s", path, err);
}

/* As if the daemon had ended, and another one were started. */
static void restart(void)
{
	struct prog *p;

	while ((p = sw.progs)) {
		sw.progs = p->next;
		close(p->fd);
		free(p);
	}
	prog_adopt(&sw);
}

static void test_show(void **state)
{
	const char *argv[] = { "-j", "dscp", "alpha" };
	json_t *o;

	NEEDS_ROOT;
	load("dscp", DSCP, false);
	load("alpha", ALPHA, false);
	assert_true(run(prog_show, 1, argv + 1));
	assert_has("dscp:\n  id: ");
	assert_has("\n  class: action\n");
	assert_has("\n  writes: IPv4: bytes 15, 24-25\n  metadata: nothing\n  may: nothing\n");
	assert_null(strstr(text, "alpha"));
	assert_true(run(prog_show, 0, NULL));
	assert_has("dscp:\n");
	assert_has("alpha:\n");
	assert_true(run(prog_show, 2, argv));
	o = json_loads(text, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(o, "writes")),
			    "IPv4: bytes 15, 24-25");
	json_decref(o);
	argv[0] = "nosuch";
	assert_false(run(prog_show, 1, argv));
	assert_has("no program nosuch");
}

static void test_survives_restart(void **state)
{
	const struct progwrites *pw;
	const char *name = "dscp";

	NEEDS_ROOT;
	restart();
	assert_true(run(prog_show, 1, &name));
	assert_has("writes: IPv4: bytes 15, 24-25\n");
	pw = sw_prog_writes("dscp", &sw);
	assert_non_null(pw);
	assert_false(pw->anything);
	pw = sw_prog_writes("alpha", &sw);
	assert_true(pw && pw->anything);
	assert_null(sw_prog_writes("nosuch", &sw));

	/* Another program under the pin: what is known is not about it. */
	assert_int_equal(unlink("/sys/fs/bpf/ovs-bpf/v1/unit/prog/dscp"), 0);
	assert_int_equal(bpf_obj_pin(prog_find(&sw, "alpha")->fd,
				     "/sys/fs/bpf/ovs-bpf/v1/unit/prog/dscp"), 0);
	restart();
	assert_true(run(prog_show, 1, &name));
	assert_has("writes: anything (not analyzed)\n");
}

static void test_replace(void **state)
{
	const char *name = "dscp";
	char err[4400];

	NEEDS_ROOT;
	assert_int_not_equal(prog_load(&sw, "dscp", DSCP, false, err,
				       sizeof(err)), 0);
	n_revalidated = 0;
	load("dscp", LB, true);
	assert_int_equal(n_revalidated, 1);
	assert_true(run(prog_show, 1, &name));
	assert_has("writes: IPv4: bytes 0-11, 24-33, layer 4 bytes 6-7, 16-17\n  metadata: result\n");
	load("dscp", DSCP, true);
	restart();
	assert_true(run(prog_show, 1, &name));
	assert_has("writes: IPv4: bytes 15, 24-25\n");
}

static void test_refused(void **state)
{
	char err[4400] = "";
	const char *name = "dscp";

	NEEDS_ROOT;
	assert_int_not_equal(prog_load(&sw, "dscp", REFUSED, true, err,
				       sizeof(err)), 0);
	assert_non_null(strstr(err, "hint: compare the pointer with data_end"));
	assert_non_null(strstr(err, "invalid access to packet"));
	/* The old one is still there, and no map of the new one. */
	assert_true(run(prog_show, 1, &name));
	assert_has("writes: IPv4: bytes 15, 24-25\n");
	assert_int_not_equal(access("/sys/fs/bpf/ovs-bpf/v1/unit/map/dscp/values",
				    F_OK), 0);
	assert_int_not_equal(prog_load(&sw, "a=b", DSCP, false, err, sizeof(err)),
			     0);
	assert_non_null(strstr(err, "a=b"));
}

static void test_check(void **state)
{
	const char *argv[] = { "-j", REFUSED }, *good = LB;
	json_t *o;

	NEEDS_ROOT;
	assert_false(run(prog_check, 1, argv + 1));
	assert_has("refused:\n  verdict: refused\n");
	assert_has("\n  hint: compare the pointer with data_end");
	assert_has("\n  log:\n    ");
	assert_has("\n    invalid access to packet");
	assert_false(run(prog_check, 2, argv));
	o = json_loads(text, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(o, "verdict")),
			    "refused");
	json_decref(o);
	assert_true(run(prog_check, 1, &good));
	assert_has("lb:\n  verdict: accepted\n  instructions: ");
	assert_has("\n  verified instructions: ");
	assert_has("\n  states: ");
	assert_has("\n  writes: IPv4: bytes 0-11, 24-33");
	/* It was for a try. */
	assert_null(prog_find(&sw, "lb"));
	assert_false(run(prog_check, 0, NULL));
	assert_has("usage");
}

static void test_unload(void **state)
{
	char err[4400];

	NEEDS_ROOT;
	assert_int_equal(prog_unload(&sw, "dscp", err, sizeof(err)), 0);
	assert_int_not_equal(access("/sys/fs/bpf/ovs-bpf/v1/unit/writes/dscp",
				    F_OK), 0);
	restart();
	assert_null(prog_find(&sw, "dscp"));
	assert_non_null(prog_find(&sw, "alpha"));
	assert_int_equal(prog_unload(&sw, "alpha", err, sizeof(err)), 0);
	free(text);
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_show), T(test_survives_restart), T(test_replace),
		T(test_refused), T(test_check), T(test_unload),
	};

	/* From wherever it is started: files are named from the top. */
	if (access("bpf-progs", X_OK) && chdir(".."))
		return 1;
	return cmocka_run_group_tests(tests, setup, NULL);
}
