// SPDX-License-Identifier: GPL-2.0-or-later
/* Programs that the kernel refuses, and what is told of why.  Needs root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "../lib/progfile.h"

static struct progfile f;

static void check(const char *path, const char *verdict, const char *log,
		  const char *hint)
{
	char text[8192];

	progfile_check(&f, path);
	progfile_explain(&f, text, sizeof(text));
	assert_string_equal(f.verdict, verdict);
	if (log && (!f.log || !strstr(f.log, log)))
		fail_msg("%s: \"%s\" is not in: %s", path, log, text);
	if (hint ? !f.hint || !strstr(f.hint, hint) : !!f.hint)
		fail_msg("%s: the hint is not \"%s\" but \"%s\"", path, hint,
			 f.hint ? f.hint : "none");
	assert_true(!hint || strstr(text, hint));
	assert_true(!log || strstr(text, log));
}

static void test_refused(void **state)
{
	static const struct { const char *log, *hint; } why[] = {
		{ "invalid access to packet", "data_end" },
		{ "map_value_or_null", "against NULL" },
		{ "invalid mem access", "anew after helpers" },
		{ "infinite loop", "constant bound" },
		{ "invalid bpf_context access", "__sk_buff" },
		{ "math between pkt pointer", "upper bound" },
		{ "bpf_xdp_adjust_tail", "not there for programs of this type" },
	};
	char path[64];
	unsigned int i;

	(void)state;
	if (geteuid()) {
		skip();
		return;
	}
	for (i = 0; i < sizeof(why) / sizeof(why[0]); i++) {
		snprintf(path, sizeof(path),
			 "userspace/tests/progs/refused-%u.bpf.o", i + 1);
		check(path, "refused", why[i].log, why[i].hint);
		assert_true(f.processed > 0);
		/* The instructions that led there, of the first the store. */
		assert_true(i || strstr(f.log, "(73) *(u8 *)"));
		assert_true(f.writes.anything);
		progfile_close(&f);
	}
}

static void test_accepted(void **state)
{
	char text[256];

	(void)state;
	if (geteuid()) {
		skip();
		return;
	}
	check("userspace/tests/progs/refused-8.bpf.o", "accepted", NULL, NULL);
	progwrites_format(&f.writes, text, sizeof(text));
	assert_string_equal(text, "bytes 3");
	assert_true(f.processed > 5 && f.states > 0);
	assert_int_equal(*f.err, 0);
	progfile_close(&f);
}

static void test_unusable(void **state)
{
	(void)state;
	check("README.md", "unusable", NULL, "clang");
	assert_non_null(strstr(f.err, "README.md"));
	progfile_close(&f);
	check("no/such/file", "unusable", NULL, "clang");
	assert_non_null(strstr(f.err, "No such file"));
	progfile_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused), cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_unusable),
	};

	/* From wherever it is started: files are named from the top. */
	if (access("bpf-progs", X_OK) && chdir(".."))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
