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

#include "../daemon/command.h"
#include "../daemon/events.h"
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

/* Nor does it matter what may depend on what. */
void sw_revalidate_changed(struct sw *s)
{
	(void)s;
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

/* There is neither a configuration nor anybody who wants events. */
bool config_is_loading(const struct sw *s)
{
	(void)s;
	return false;
}

bool config_keeps_prog(const struct sw *s, const char *name, const char *file)
{
	(void)s;
	(void)name;
	(void)file;
	return false;
}

/* Nor are there rules. */
bool progs_fit(struct sw *s, char *err, size_t size)
{
	(void)s;
	(void)err;
	(void)size;
	return true;
}

_Atomic uint32_t events_mask;

void event_publish(enum event_kind kind, json_t *row, const char *fmt, ...)
{
	(void)kind;
	(void)fmt;
	json_decref(row);
}

/* Run a command; its answer, or its refusal, is in @text. */
static bool run(cmd_fn command, const char *name, bool json, const char *arg)
{
	static struct reply r;
	struct args a;
	size_t size;
	bool ok;

	free(text);
	text = NULL;
	memset(&r, 0, sizeof(r));
	r.cmd = cmd_find(name);
	r.json = json;
	r.out = open_memstream(&text, &size);
	ok = !args_parse(&a, r.cmd, arg ? 1 : 0, &arg, r.err, sizeof(r.err)) &&
	     !command(&sw, &a, &r);
	reply_end(&r);
	fclose(r.out);
	if (ok)
		return true;
	free(text);
	text = strdup(r.err);
	return false;
}

static bool show(bool json, const char *name)
{
	return run(cmd_prog_show, "prog/show", json, name);
}

static bool check(bool json, const char *file)
{
	return run(cmd_prog_check, "prog/check", json, file);
}

/* In a transaction of its own, as a command has it. */
static int try_load(const char *name, const char *path, bool replace,
		    json_t *notes, char *err, size_t size)
{
	int ret;

	txn_begin(&sw, false);
	ret = prog_load(&sw, name, path, replace, notes, err, size);
	txn_end(&sw, !ret);
	return ret;
}

static int try_unload(const char *name, char *err, size_t size)
{
	int ret;

	txn_begin(&sw, false);
	ret = prog_unload(&sw, name, err, size);
	txn_end(&sw, !ret);
	return ret;
}

static void assert_has(const char *what)
{
	if (!strstr(text, what))
		fail_msg("\"%s\" is not in: %s", what, text);
}

static void load(const char *name, const char *path, bool replace)
{
	char err[4400] = "";

	if (try_load(name, path, replace, NULL, err, sizeof(err)))
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
	json_t *o;

	NEEDS_ROOT;
	load("dscp", DSCP, false);
	load("alpha", ALPHA, false);
	assert_true(show(false, "dscp"));
	assert_has("dscp:\n  id: ");
	assert_has("\n  class: action\n");
	assert_has("\n  writes: IPv4: bytes 15, 24-25\n  metadata: nothing\n  may: nothing\n");
	assert_null(strstr(text, "alpha"));
	assert_true(show(false, NULL));
	assert_has("dscp:\n");
	assert_has("alpha:\n");
	assert_true(show(true, "dscp"));
	o = json_loads(text, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(o, "writes")),
			    "IPv4: bytes 15, 24-25");
	json_decref(o);
	assert_true(show(true, NULL));
	o = json_loads(text, 0, NULL);
	assert_int_equal(json_array_size(o), 2);
	json_decref(o);
	assert_false(show(false, "nosuch"));
	assert_has("no program nosuch");
}

static void test_survives_restart(void **state)
{
	const struct progwrites *pw;

	NEEDS_ROOT;
	restart();
	assert_true(show(false, "dscp"));
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
	assert_true(show(false, "dscp"));
	assert_has("writes: anything (not analyzed)\n");
}

static void test_replace(void **state)
{
	char err[4400];

	NEEDS_ROOT;
	assert_int_not_equal(try_load("dscp", DSCP, false, NULL, err,
				      sizeof(err)), 0);
	n_revalidated = 0;
	load("dscp", LB, true);
	assert_int_equal(n_revalidated, 1);
	assert_true(show(false, "dscp"));
	assert_has("writes: IPv4: bytes 0-11, 24-33, layer 4 bytes 6-7, 16-17\n  metadata: result\n");
	load("dscp", DSCP, true);
	restart();
	assert_true(show(false, "dscp"));
	assert_has("writes: IPv4: bytes 15, 24-25\n");
}

static void test_refused(void **state)
{
	char err[4400] = "";

	NEEDS_ROOT;
	assert_int_not_equal(try_load("dscp", REFUSED, true, NULL, err,
				      sizeof(err)), 0);
	assert_non_null(strstr(err, "hint: compare the pointer with data_end"));
	assert_non_null(strstr(err, "invalid access to packet"));
	/* The old one is still there, and no map of the new one. */
	assert_true(show(false, "dscp"));
	assert_has("writes: IPv4: bytes 15, 24-25\n");
	assert_int_not_equal(access("/sys/fs/bpf/ovs-bpf/v1/unit/map/dscp/values",
				    F_OK), 0);
	assert_int_not_equal(try_load("a=b", DSCP, false, NULL, err, sizeof(err)),
			     0);
	assert_non_null(strstr(err, "a=b"));
}

static void test_check(void **state)
{
	json_t *o;

	NEEDS_ROOT;
	assert_false(check(false, REFUSED));
	assert_has("refused:\n  verdict: refused\n");
	assert_has("\n  hint: compare the pointer with data_end");
	assert_has("\n  log:\n    ");
	assert_has("\n    invalid access to packet");
	assert_false(check(true, REFUSED));
	o = json_loads(text, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(o, "verdict")),
			    "refused");
	json_decref(o);
	assert_true(check(false, LB));
	assert_has("lb:\n  verdict: accepted\n  instructions: ");
	assert_has("\n  verified instructions: ");
	assert_has("\n  states: ");
	assert_has("\n  writes: IPv4: bytes 0-11, 24-33");
	/* It was for a try. */
	assert_null(prog_find(&sw, "lb"));
	assert_false(check(false, NULL));
	assert_has("usage");
}

#define LB_MAPS "/sys/fs/bpf/ovs-bpf/v1/unit/map/lb2/"

static unsigned int map_id(const char *name)
{
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);
	char path[200];
	int fd;

	snprintf(path, sizeof(path), LB_MAPS "%s", name);
	fd = bpf_obj_get(path);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		return 0;
	close(fd);
	return info.id;
}

/* A map that is pinned, and of another shape, is not thrown away by the way. */
static void test_stale_map(void **state)
{
	json_t *notes = json_array();
	char err[4400] = "";
	int fd;

	NEEDS_ROOT;
	load("lb2", LB, false);
	assert_int_not_equal(map_id("backends"), 0);
	assert_int_equal(unlink(LB_MAPS "backends"), 0);
	fd = bpf_map_create(BPF_MAP_TYPE_HASH, "other", 4, 4, 7, NULL);
	assert_int_equal(bpf_obj_pin(fd, LB_MAPS "backends"), 0);
	close(fd);
	assert_int_equal(unlink("/sys/fs/bpf/ovs-bpf/v1/unit/prog/lb2"), 0);
	restart();
	assert_int_not_equal(try_load("lb2", LB, false, NULL, err, sizeof(err)), 0);
	assert_non_null(strstr(err, "the map backends is pinned, and does not fit: the "));
	assert_non_null(strstr(err, "--replace"));
	assert_null(prog_find(&sw, "lb2"));
	assert_int_equal(try_load("lb2", LB, true, notes, err, sizeof(err)), 0);
	assert_int_equal(json_array_size(notes), 1);
	json_decref(notes);
	assert_int_equal(try_unload("lb2", err, sizeof(err)), 0);
}

/* What a transaction did to programs is undone: programs, pins and maps. */
static void test_undone(void **state)
{
	const struct prog *p;
	unsigned int id;
	char err[4400] = "";

	NEEDS_ROOT;
	load("lb2", LB, false);
	id = map_id("backends");
	txn_begin(&sw, true);
	assert_int_equal(prog_load(&sw, "fresh", ALPHA, false, NULL, err, sizeof(err)), 0);
	assert_int_equal(prog_load(&sw, "dscp", ALPHA, true, NULL, err, sizeof(err)), 0);
	assert_int_equal(prog_unload(&sw, "lb2", err, sizeof(err)), 0);
	assert_null(prog_find(&sw, "lb2"));
	n_revalidated = 0;
	txn_end(&sw, false);
	assert_null(prog_find(&sw, "fresh"));
	assert_int_not_equal(access("/sys/fs/bpf/ovs-bpf/v1/unit/prog/fresh", F_OK), 0);
	assert_int_not_equal(access("/sys/fs/bpf/ovs-bpf/v1/unit/map/fresh/runs", F_OK), 0);
	assert_true(show(false, "dscp"));
	assert_has("writes: IPv4: bytes 15, 24-25\n");
	p = prog_find(&sw, "lb2");
	assert_non_null(p);
	assert_int_equal(map_id("backends"), id);
	restart();
	assert_non_null(prog_find(&sw, "lb2"));
	assert_null(prog_find(&sw, "fresh"));
	assert_true(show(false, "dscp"));
	assert_has("writes: IPv4: bytes 15, 24-25\n");
	assert_int_equal(try_unload("lb2", err, sizeof(err)), 0);
	assert_int_equal(map_id("backends"), 0);
}

static void test_unload(void **state)
{
	char err[4400];

	NEEDS_ROOT;
	assert_int_equal(try_unload("dscp", err, sizeof(err)), 0);
	assert_int_not_equal(access("/sys/fs/bpf/ovs-bpf/v1/unit/writes/dscp",
				    F_OK), 0);
	restart();
	assert_null(prog_find(&sw, "dscp"));
	assert_non_null(prog_find(&sw, "alpha"));
	assert_int_equal(try_unload("alpha", err, sizeof(err)), 0);
	free(text);
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_show), T(test_survives_restart), T(test_replace),
		T(test_refused), T(test_check), T(test_stale_map),
		T(test_undone), T(test_unload),
	};

	/* From wherever it is started: files are named from the top. */
	if (access("bpf-progs", X_OK) && chdir(".."))
		return 1;
	return cmocka_run_group_tests(tests, setup, NULL);
}
