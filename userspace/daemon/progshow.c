// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What there is to tell of programs: those that are loaded, and those that the
 * kernel refuses.  Made as JSON, and from that as text.
 */
#include <bpf/bpf.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/progfile.h"
#include "switch.h"

/* Text for people: a line for each member; a text of several is indented. */
static void print_member(FILE *out, const char *key, const json_t *value)
{
	const char *s = json_string_value(value);
	size_t len;

	fprintf(out, "  %s:", key);
	if (json_is_integer(value)) {
		fprintf(out, " %lld\n", (long long)json_integer_value(value));
	} else if (s && !strchr(s, '\n')) {
		fprintf(out, " %s\n", s);
	} else {
		fputs("\n", out);
		for (; s && *s; s += len + (s[len] != 0)) {
			len = strcspn(s, "\n");
			fprintf(out, "    %.*s\n", (int)len, s);
		}
	}
}

static void print(FILE *out, json_t *object, bool as_json)
{
	const char *key;
	json_t *value;
	char *text;

	if (as_json) {
		text = json_dumps(object, JSON_COMPACT);
		fprintf(out, "%s\n", text ? text : "{}");
		free(text);
		return;
	}
	fprintf(out, "%s:\n", json_string_value(json_object_get(object, "name")));
	json_object_foreach(object, key, value)
		if (strcmp(key, "name"))
			print_member(out, key, value);
}

static void add_writes(json_t *o, const struct progwrites *pw)
{
	char text[2048];

	progwrites_format(pw, text, sizeof(text));
	json_object_set_new(o, "writes", json_string(text));
	progwrites_format_meta(pw, text, sizeof(text));
	json_object_set_new(o, "metadata", json_string(text));
	progwrites_format_may(pw, text, sizeof(text));
	json_object_set_new(o, "may", json_string(text));
}

static json_t *describe(const struct prog *p)
{
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);
	json_t *o = json_object();
	char tag[2 * BPF_TAG_SIZE + 1];
	unsigned int i;

	json_object_set_new(o, "name", json_string(p->name));
	if (!bpf_obj_get_info_by_fd(p->fd, &info, &len)) {
		for (i = 0; i < BPF_TAG_SIZE; i++)
			snprintf(tag + 2 * i, 3, "%02x", info.tag[i]);
		json_object_set_new(o, "id", json_integer(info.id));
		json_object_set_new(o, "class", json_string(
			info.type == BPF_PROG_TYPE_LWT_OUT ? "filter" : "action"));
		json_object_set_new(o, "tag", json_string(tag));
		if (info.verified_insns)
			json_object_set_new(o, "verified instructions",
					    json_integer(info.verified_insns));
	}
	add_writes(o, &p->writes);
	return o;
}

static bool take_json(int *argc, const char ***argv)
{
	if (!*argc || strcmp((*argv)[0], "-j"))
		return false;
	(*argc)--;
	(*argv)++;
	return true;
}

/* prog/show [-j] [NAME] */
const char *prog_show(struct sw *sw, int argc, const char **argv, FILE *out)
{
	bool as_json = take_json(&argc, &argv);
	static char why[100];
	const struct prog *p;
	json_t *o;

	if (argc > 1)
		return "usage: prog/show [-j] [NAME]";
	if (argc && !prog_find(sw, argv[0])) {
		snprintf(why, sizeof(why), "no program %.64s is loaded",
			 argv[0]);
		return why;
	}
	for (p = sw->progs; p; p = p->next) {
		if (argc && strcmp(p->name, argv[0]))
			continue;
		o = describe(p);
		print(out, o, as_json);
		json_decref(o);
	}
	return NULL;
}

static json_t *describe_file(const struct progfile *f, const char *path)
{
	json_t *o = json_object();

	json_object_set_new(o, "name", json_string(f->prog ?
						   bpf_program__name(f->prog) :
						   path));
	json_object_set_new(o, "verdict", json_string(f->verdict));
	if (f->prog)
		json_object_set_new(o, "instructions",
				    json_integer(bpf_program__insn_cnt(f->prog)));
	if (f->processed) {
		json_object_set_new(o, "verified instructions",
				    json_integer(f->processed));
		json_object_set_new(o, "states", json_integer(f->states));
	}
	if (*f->err)
		json_object_set_new(o, "error", json_string(f->err));
	else
		add_writes(o, &f->writes);
	if (f->hint)
		json_object_set_new(o, "hint", json_string(f->hint));
	if (f->log)
		json_object_set_new(o, "log", json_string(f->log));
	return o;
}

/* prog/check [-j] FILE: the answer is an error if the program is refused. */
const char *prog_check(struct sw *sw, int argc, const char **argv, FILE *out)
{
	bool as_json = take_json(&argc, &argv), accepted;
	static char refusal[16384];
	struct progfile f;
	json_t *o;

	(void)sw;
	if (argc != 1)
		return "usage: prog/check [-j] FILE";
	progfile_check(&f, argv[0]);
	accepted = !*f.err;
	o = describe_file(&f, argv[0]);
	if (!accepted)
		out = fmemopen(refusal, sizeof(refusal), "w");
	if (out) {
		print(out, o, as_json);
		if (!accepted)
			fclose(out);
	}
	json_decref(o);
	progfile_close(&f);
	return accepted ? NULL : refusal;
}
