// SPDX-License-Identifier: GPL-2.0-or-later
/* Control without a daemon: the table of commands, arguments, templates, streams. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "../daemon/ufid.h"
#include "../lib/args.h"
#include "../lib/jsonscan.h"
#include "../lib/log.h"
#include "../lib/readfile.h"
#include "../lib/render.h"

static char why[1024];

static void assert_in(const char *what, const char *text)
{
	if (!strstr(text, what))
		fail_msg("\"%s\" is not in: %s", what, text);
}

/* Every row of the table makes sense. */
static void test_table(void **state)
{
	struct param params[MAX_PARAMS];
	char name[CMD_NAME_LEN];
	unsigned int i, k;

	(void)state;
	for (i = 0; i < n_cmds; i++) {
		const struct cmd *c = &cmds[i];

		cmd_name(c, '/', name);
		assert_ptr_equal(cmd_find(name), c);
		if (params_parse(c->args, params) < 0)
			fail_msg("%s: arguments \"%s\"", name, c->args);
		if (render_check(c->text))
			fail_msg("%s: template, at \"%s\"", name,
				 render_check(c->text));
		assert_true(*c->summary);
		/* Verbs of an object stand together, for help and errors. */
		for (k = i + 1; k < n_cmds; k++)
			if (!strcmp(cmds[k].object, c->object) &&
			    strcmp(cmds[k - 1].object, c->object))
				fail_msg("%s is apart from the others", name);
		/* A streaming command must not be undone. */
		assert_false(c->flags & CMD_STREAM && c->flags & CMD_BATCH);
	}
	assert_null(cmd_find("port/nosuch"));
	assert_non_null(cmd_find_words("monitor", "flow"));
}

static int parse(struct args *a, const char *args, int argc, const char **argv)
{
	static struct cmd cmd = { .object = "thing", .verb = "do" };

	cmd.args = args;
	return args_parse(a, &cmd, argc, argv, why, sizeof(why));
}

static void test_args(void **state)
{
	const char *spec = "[--force] DEVICE [NUMBER=1-10] [internal]";
	const char *a1[] = { "eth0", "internal", "7" };
	const char *a2[] = { "internal" };
	const char *a3[] = { "--force", "eth0", "11" };
	const char *a4[] = { "eth0", "7", "internal", "more" };
	const char *a5[] = { "--forse", "eth0" };
	struct args a;

	(void)state;
	assert_int_equal(parse(&a, spec, 3, a1), 0);
	assert_string_equal(args_get(&a, "DEVICE"), "eth0");
	assert_int_equal(args_number(&a, "NUMBER", 0), 7);
	assert_true(args_has(&a, "internal"));
	assert_false(args_has(&a, "--force"));
	/* What must be there comes first. */
	assert_int_equal(parse(&a, spec, 1, a2), 0);
	assert_string_equal(args_get(&a, "DEVICE"), "internal");
	assert_false(args_has(&a, "internal"));
	/* Errors name the word. */
	assert_int_equal(parse(&a, spec, 3, a3), -1);
	assert_in("\"11\" is no NUMBER from 1 to 10 (usage: thing do [--force] DEVICE", why);
	assert_int_equal(parse(&a, spec, 4, a4), -1);
	assert_in("\"more\" is one word too many", why);
	assert_int_equal(parse(&a, spec, 2, a5), -1);
	assert_in("\"--forse\"", why);
	assert_int_equal(parse(&a, spec, 0, NULL), -1);
	assert_in("DEVICE is missing", why);
	assert_int_equal(parse(&a, "[WORD...]", 4, a4), 0);
	assert_int_equal(a.n_rest, 4);
	assert_string_equal(a.rest[3], "more");
	assert_int_equal(parse(&a, "", 1, a2), -1);
	assert_in("\"internal\" is one word too many", why);
}

static void test_unknown(void **state)
{
	(void)state;
	cmd_explain_unknown("prot", "add", why, sizeof(why));
	assert_in("\"prot\"", why);
	assert_in(" port", why);
	cmd_explain_unknown("port", "ad", why, sizeof(why));
	assert_in("\"ad\"", why);
	assert_in(" add, del, list", why);
	assert_null(strstr(why, "dump"));
	cmd_explain_unknown("port", NULL, why, sizeof(why));
	assert_in(" add, del, list", why);
}

static void test_words(void **state)
{
	char line[] = "  rule add \"in_port=1 , actions='x'\" a\\ b '' #rest \"";
	char bad[] = "rule add 'x", many[] = "a b c", none[] = "  # nothing";
	const char *w[6];

	(void)state;
	assert_int_equal(words_split(line, w, 6, why, sizeof(why)), 5);
	assert_string_equal(w[1], "add");
	assert_string_equal(w[2], "in_port=1 , actions='x'");
	assert_string_equal(w[3], "a b");
	assert_string_equal(w[4], "");
	assert_int_equal(words_split(bad, w, 6, why, sizeof(why)), -1);
	assert_in("quote", why);
	assert_int_equal(words_split(many, w, 2, why, sizeof(why)), -1);
	assert_int_equal(words_split(none, w, 6, why, sizeof(why)), 0);
}

static void assert_renders(const char *template, const char *json,
			   const char *want)
{
	json_t *value = json_loads(json, 0, NULL);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(value);
	assert_null(render_check(template));
	render(out, template, value);
	fclose(out);
	assert_string_equal(text, want);
	free(text);
	json_decref(value);
}

static void test_render(void **state)
{
	(void)state;
	assert_renders("a {n} {s} {o.x}{none}.\n",
		       "{\"n\": 7, \"s\": \"{n}\", \"o\": {\"x\": true}}",
		       "a 7 {n} yes.\n");
	assert_renders("{n:4}|{n:-4}|", "{\"n\": 7}", "   7|7   |");
	assert_renders("{#l}{name}={up};{/l}{^l}none{/l}",
		       "{\"up\": 1, \"l\": [{\"name\": \"a\"}, {\"name\": \"b\", \"up\": 2}]}",
		       "a=1;b=2;");
	assert_renders("{#l}x{/l}{^l}none{/l}", "{\"l\": []}", "none");
	assert_renders("{#l}{.} {/l}", "{\"l\": [1, \"b\"]}", "1 b ");
	assert_renders("{#s}({s}){/s}{#z}zero{/z}", "{\"s\": \"x\", \"z\": 0}", "(x)");
	assert_renders("{t|2}", "{\"t\": \"a\\nb\"}", "  a\n  b\n");
	assert_renders("{#a}{#b}{c}{/b}{/a}", "{\"a\": {\"b\": [{\"c\": 1}, {\"c\": 2}]}}", "12");
	assert_non_null(render_check("{#a}x"));
	assert_non_null(render_check("{#a}{/b}{/a}"));
	assert_non_null(render_check("{}"));
}

/* The end of an object is where it is, however the stream is cut up. */
static void test_scan(void **state)
{
	static const char text[] = " {\"a\":\"}\\\"{\",\"b\":[{},{}]}{\"c\":1}";
	static const size_t first = 25;
	struct json_scan s;
	size_t cut;

	(void)state;
	for (cut = 0; cut < first; cut++) {
		memset(&s, 0, sizeof(s));
		assert_int_equal(json_scan(&s, text, cut), 0);
		assert_int_equal(json_scan(&s, text + cut, sizeof(text) - 1 - cut), 1);
		assert_int_equal(s.scanned, first);
	}
	memset(&s, 0, sizeof(s));
	assert_int_equal(json_scan(&s, "[1]", 3), -1);
	memset(&s, 0, sizeof(s));
	assert_int_equal(json_scan(&s, "{[[[[[[[[[[[[[[[[[[[[[[[", 24), -1);
	memset(&s, 0, sizeof(s));
	assert_int_equal(json_scan(&s, "\0{", 2), -1);
}

static void test_log_set(void **state)
{
	(void)state;
	log_start("test", false);
	assert_int_equal(log_set("prog:file:dbg", why, sizeof(why)), 0);
	assert_string_equal(log_level_name(LOG_prog, PLACE_FILE), "DBG");
	assert_string_equal(log_level_name(LOG_prog, PLACE_CONSOLE), "INFO");
	assert_string_equal(log_level_name(LOG_main, PLACE_FILE), "INFO");
	assert_int_equal(log_set("ANY console OFF", why, sizeof(why)), 0);
	assert_string_equal(log_level_name(LOG_flow, PLACE_CONSOLE), "OFF");
	assert_int_equal(log_set("prog:fiel:dbg", why, sizeof(why)), -1);
	assert_in("\"fiel\"", why);
	assert_string_equal(log_level_name(LOG_prog, PLACE_FILE), "DBG");
}

static void test_log_limit(void **state)
{
	struct log_limit limit = { .tokens = 10 };
	unsigned int i, dropped = 0, n = 0;

	(void)state;
	for (i = 0; i < 1000; i++)
		n += log_allowed(&limit, &dropped);
	assert_in_range(n, 10, 12);
	limit.since--;
	assert_true(log_allowed(&limit, &dropped));
	assert_int_equal(dropped, 1000 - n);
}

/* A log line stays a line, and JSON stays JSON, whatever is in it. */
static void test_log_lines(void **state)
{
	char path[] = "/tmp/ovs-bpf-log-XXXXXX", *text;
	int fd = mkstemp(path);
	json_t *o;
	size_t len;

	(void)state;
	close(fd);
	log_start("test", true);
	log_set("console:off", why, sizeof(why));
	assert_int_equal(log_open(path), 0);
	log_event(LOG_prog, LEVEL_WARN, "a\n\"b\"", "{s:s,s:i}", "why", "x\ny", "n", 7);
	text = read_file(path, 10000, &len, why, sizeof(why));
	assert_non_null(text);
	assert_ptr_equal(strchr(text, '\n'), text + len - 1);
	o = json_loads(text, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(o, "message")), "a\n\"b\"");
	assert_string_equal(json_string_value(json_object_get(o, "level")), "WARN");
	assert_string_equal(json_string_value(json_object_get(o, "why")), "x\ny");
	assert_int_equal(json_integer_value(json_object_get(o, "n")), 7);
	json_decref(o);
	free(text);
	unlink(path);
}

static void test_read_file(void **state)
{
	char dir[] = "/tmp/ovs-bpf-file-XXXXXX", path[64];
	size_t len;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/x", dir);
	assert_null(read_file(path, 100, &len, why, sizeof(why)));
	assert_in("No such file", why);
	assert_null(read_file(dir, 100, &len, why, sizeof(why)));
	assert_in("it is no file", why);
	/* Nobody writes to it: must not wait. */
	snprintf(path, sizeof(path) - 10, "mkfifo %s/x", dir);
	assert_int_equal(system(path), 0);
	snprintf(path, sizeof(path), "%s/x", dir);
	alarm(10);
	assert_null(read_file(path, 100, &len, why, sizeof(why)));
	alarm(0);
	assert_in("it is no file", why);
	unlink(path);
	rmdir(dir);
	assert_null(read_file("/proc/self/exe", 100, &len, why, sizeof(why)));
	assert_in("larger than 100 bytes", why);
	assert_null(read_file("/dev/zero", 100, &len, why, sizeof(why)));
}

static void test_ufid(void **state)
{
	uint8_t ufid[16], again[16];
	char text[UFID_TEXT];
	unsigned int i;

	(void)state;
	for (i = 0; i < 16; i++)
		ufid[i] = i * 17;
	ufid_format(ufid, text);
	assert_int_equal(strlen(text), 36);
	assert_int_equal(ufid_parse(text, again), 0);
	assert_memory_equal(ufid, again, 16);
	assert_int_equal(ufid_parse("ufid:00112233-4455-6677-8899-aabbccddeeff", again), 0);
	assert_int_equal(ufid_parse("00112233-4455-6677-8899-aabbccddeef", again), -1);
	assert_int_equal(ufid_parse("00112233-4455-6677-8899-aabbccddeeff0", again), -1);
	assert_int_equal(ufid_parse("g0112233-4455-6677-8899-aabbccddeeff", again), -1);
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_table), T(test_args), T(test_unknown), T(test_words),
		T(test_render), T(test_scan), T(test_log_set), T(test_log_limit),
		T(test_log_lines), T(test_read_file), T(test_ufid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
