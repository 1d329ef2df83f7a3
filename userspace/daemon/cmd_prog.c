// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands about programs: those that are loaded, those that the kernel refuses. */
#include <bpf/bpf.h>
#include <string.h>

#include "../lib/log.h"
#include "../lib/progfile.h"
#include "command.h"
#include "events.h"
#include "switch.h"

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
			json_object_set_new(o, "verified_insns",
					    json_integer(info.verified_insns));
	}
	add_writes(o, &p->writes);
	return o;
}

/* prog list */
int cmd_prog_list(struct sw *sw, const struct args *a, struct reply *r)
{
	const struct prog *p;

	(void)a;
	reply_list(r);
	for (p = sw->progs; p; p = p->next)
		reply_row(r, json_pack("{s:s}", "name", p->name));
	return 0;
}

/* prog show [NAME] */
int cmd_prog_show(struct sw *sw, const struct args *a, struct reply *r)
{
	const char *name = args_get(a, "NAME");
	const struct prog *p;

	if (name) {
		p = prog_find(sw, name);
		return p ? reply_row(r, describe(p)) :
			   reply_fail(r, "no program %.64s is loaded", name);
	}
	reply_list(r);
	for (p = sw->progs; p; p = p->next)
		reply_row(r, describe(p));
	return 0;
}

/* prog load [--replace] NAME FILE */
int cmd_prog_load(struct sw *sw, const struct args *a, struct reply *r)
{
	const char *name = args_get(a, "NAME"), *file = args_get(a, "FILE");
	json_t *notes = json_array();
	bool replace = args_has(a, "--replace");
	enum prog_class was = sw_prog_class(name, sw);

	if (config_keeps_prog(sw, name, file)) {
		json_decref(notes);
		return 0;
	}
	replace |= config_is_loading(sw);
	if (prog_load(sw, name, file, replace, notes, r->err, sizeof(r->err))) {
		json_decref(notes);
		r->failed = true;
		return -1;
	}
	/* In a configuration the rules of before may go: it is seen to at its end. */
	if (was != PROG_UNKNOWN && was != sw_prog_class(name, sw) &&
	    !config_is_loading(sw) && !progs_fit(sw, r->err, sizeof(r->err))) {
		json_decref(notes);
		r->failed = true;
		return -1;
	}
	log_event(LOG_prog, LEVEL_INFO, "a program was loaded", "{s:s,s:s}",
		  "name", name, "file", file);
	event_publish(EVENT_prog, NULL, "loaded %s from %s", name, file);
	if (json_array_size(notes))
		return reply_row(r, json_pack("{s:o}", "maps", notes));
	json_decref(notes);
	return 0;
}

/* prog unload NAME */
int cmd_prog_unload(struct sw *sw, const struct args *a, struct reply *r)
{
	const char *name = args_get(a, "NAME");

	if (prog_unload(sw, name, r->err, sizeof(r->err))) {
		r->failed = true;
		return -1;
	}
	event_publish(EVENT_prog, NULL, "unloaded %s", name);
	return 0;
}

static json_t *describe_file(const struct progfile *f, const char *path)
{
	json_t *o = json_object();

	json_object_set_new(o, "name", json_string(f->prog ?
						   bpf_program__name(f->prog) :
						   path));
	json_object_set_new(o, "verdict", json_string(f->verdict));
	if (f->prog)
		json_object_set_new(o, "insns",
				    json_integer(bpf_program__insn_cnt(f->prog)));
	if (f->processed) {
		json_object_set_new(o, "verified_insns",
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

/* prog check FILE: the answer is an error if the program is refused. */
int cmd_prog_check(struct sw *sw, const struct args *a, struct reply *r)
{
	struct progfile f;
	bool accepted;
	json_t *o;

	(void)sw;
	progfile_check(&f, args_get(a, "FILE"));
	accepted = !*f.err;
	o = describe_file(&f, args_get(a, "FILE"));
	progfile_close(&f);
	return accepted ? reply_row(r, o) : reply_fail_row(r, o);
}
