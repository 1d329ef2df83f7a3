// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The configuration: a file of commands that tells all of the switch.  Loading it
 * makes ports, programs, meters, groups, rules, options and limits those of the file:
 * what is there as it should be stays untouched, what the file does not name goes, and
 * if anything in the file is wrong, nothing changes.
 */
#include <stdlib.h>
#include <string.h>

#include "../lib/log.h"
#include "../lib/progfile.h"
#include "../pipeline/tlv.h"
#include "command.h"
#include "events.h"
#include "switch.h"

/**
 * struct config - the configuration
 * @path: the file, or NULL.
 * @loads: how often it was loaded.
 * @failures: how often it was refused.
 * @error: why, the last time; NULL if it was loaded then.
 * @loading: it is being loaded.
 * @no_memory: some of @names are missing.
 * @names: what it names: "port NAME", "prog NAME", "group NUMBER", "meter NUMBER",
 *	"tlv FIELD"; of a port, the number.
 */
static struct {
	char *path;
	unsigned int loads;
	unsigned int failures;
	char *error;
	bool loading;
	bool no_memory;
	json_t *names;
} config;

bool config_is_loading(const struct sw *sw)
{
	(void)sw;
	return config.loading;
}

static void note(const char *kind, const char *name, uint32_t number)
{
	char key[300];

	snprintf(key, sizeof(key), "%s %.200s", kind, name);
	/* What is not noted would go: then nothing may. */
	config.no_memory |= json_object_set_new(config.names, key, json_integer(number)) != 0;
}

static const json_t *find(const char *kind, const char *name)
{
	char key[300];

	snprintf(key, sizeof(key), "%s %.200s", kind, name);
	return json_object_get(config.names, key);
}

static bool is_named(const char *kind, const char *name)
{
	return find(kind, name);
}

/**
 * config_wants - the configuration, if it is being loaded, names something
 * @sw: the switch.
 * @kind: what: "group", "meter", "tlv".
 * @name: which.
 *
 * Return: whether it is being loaded; then what is there as it is wanted stays.
 */
bool config_wants(const struct sw *sw, const char *kind, const char *name)
{
	(void)sw;
	if (config.loading)
		note(kind, name, 0);
	return config.loading;
}

/* The same of a port, with the number that it is to have; 0: any. */
bool config_wants_port(const struct sw *sw, const char *name, uint32_t number)
{
	(void)sw;
	if (config.loading)
		note("port", name, number);
	return config.loading;
}

/* Whether the configuration, if it is being loaded, has named a port, and the number. */
bool config_has_port(const struct sw *sw, const char *name, uint32_t *number)
{
	const json_t *named = config.loading ? find("port", name) : NULL;

	(void)sw;
	*number = json_integer_value(named);
	return named;
}

/**
 * config_has - whether something may be named by what comes next
 * @sw: the switch.
 * @kind: "prog", "group", "meter", "tlv", "port".
 * @name: which.
 *
 * In a configuration what is there counts only if the file has named it: what it has
 * not goes in the end.
 */
bool config_has(const struct sw *sw, const char *kind, const char *name)
{
	(void)sw;
	return !config.loading || is_named(kind, name);
}

/* The same for what has a number. */
bool config_has_number(const struct sw *sw, const char *kind, uint32_t n)
{
	char name[12];

	snprintf(name, sizeof(name), "%u", n);
	return config_has(sw, kind, name);
}

/* It wants a program.  Return: whether the one that is there is that of the file. */
bool config_keeps_prog(const struct sw *sw, const char *name, const char *file)
{
	const struct prog *p = prog_find(sw, name);
	uint64_t hash;

	if (!config.loading)
		return false;
	note("prog", name, 0);
	return p && p->file_hash && !progfile_hash(file, &hash) &&
	       hash == p->file_hash;
}

/* No rule names them: none was let in that does. */
static int remove_groups_and_meters(struct sw *sw)
{
	struct group *g, *next_g;
	struct meter *m, *next_m;
	int err = 0;

	for (g = sw->groups.first; g; g = next_g) {
		next_g = g->next;
		if (!config_has_number(sw, "group", g->id))
			err |= group_remove(sw, g);
	}
	for (m = sw->meters; m; m = next_m) {
		next_m = m->next;
		if (!config_has_number(sw, "meter", m->id))
			err |= meter_remove(sw, m);
	}
	return err;
}

/* What the file does not name goes.  All rules are its own now. */
static int remove_rest(struct sw *sw, char *err, size_t size)
{
	struct prog *p, *next;

	if (config.no_memory || remove_groups_and_meters(sw)) {
		snprintf(err, size, "out of memory");
		return -1;
	}
	if (!progs_fit(sw, err, size))
		return -1;
	for (p = sw->progs; p; p = next) {
		next = p->next;
		if (!is_named("prog", p->name) &&
		    prog_unload(sw, p->name, err, size))
			return -1;
	}
	return ports_settle(sw, err, size) ? -1 : ports_remove_unnamed(sw, err, size);
}

/* The option that a line maps, if it does; the line is cut up. */
static void note_tlv(char *line, struct tlv *want)
{
	const char *words[4];
	struct tlv tlv;
	char why[64];
	unsigned int n;

	if (words_split(line, words, 4, why, sizeof(why)) == 3 &&
	    !strcmp(words[0], "tlv") && !strcmp(words[1], "add") &&
	    !tlv_parse(words[2], &n, &tlv) && !want[n].len)
		want[n] = tlv;
}

/*
 * Which options there will be is to be known before the first of them is mapped: each
 * may be in the way of another.  Lines that are wrong are told of when their turn comes.
 */
static int map_options(struct sw *sw, const char *text)
{
	struct tlv want[N_TLVS] = {};
	const char *line, *end;
	char *copy;

	for (line = text; *line; line = *end ? end + 1 : end) {
		end = line + strcspn(line, "\n");
		if (!memmem(line, end - line, "tlv", 3))
			continue;
		copy = strndup(line, end - line);
		if (!copy)
			return -1;
		note_tlv(copy, want);
		free(copy);
	}
	return tlvs_become(sw, want);
}

static int load_text(struct sw *sw, const char *path, char *text, struct reply *r)
{
	struct rule_counts counts = {};
	int err;

	if (limits_set(sw, &sw_limits_default) || map_options(sw, text) ||
	    rules_replace_begin(sw))
		return reply_fail(r, "out of memory");
	err = batch_run(sw, path, text, r);
	if (rules_replace_end(sw, err ? NULL : &counts) && !err)
		err = reply_fail(r, "out of memory");
	if (!err && remove_rest(sw, r->err, sizeof(r->err)))
		err = -1;
	return err;
}

static int load(struct sw *sw, const char *path, struct reply *r)
{
	char *text = batch_read(path, r);
	int err = text ? load_text(sw, path, text, r) : -1;

	free(text);
	return err;
}

/**
 * config_load - make the switch what a file says
 * @sw: the switch.
 * @path: the file.
 * @err: what is wrong, with file and line, if it fails.
 * @size: its room.
 *
 * Return: 0, or -1: nothing has changed.
 */
int config_load(struct sw *sw, const char *path, char *err, size_t size)
{
	struct reply *r = calloc(1, sizeof(*r));
	int ret = -1;

	config.names = json_object();
	if (r && config.names)
		r->out = fopen("/dev/null", "w");
	if (r && r->out) {
		config.loading = true;
		config.no_memory = false;
		txn_begin(sw, true);
		ret = load(sw, path, r);
		txn_end(sw, !ret);
		config.loading = false;
		fclose(r->out);
	}
	snprintf(err, size, "%s", r && *r->err ? r->err : "out of memory");
	json_decref(config.names);
	config.names = NULL;
	free(r);
	return ret;
}

/* Load the configuration that was set.  Return: 0, or -1 with a sentence. */
int config_reload(struct sw *sw, char *err, size_t size)
{
	if (!config.path) {
		snprintf(err, size, "the daemon was started without --config");
		return -1;
	}
	free(config.error);
	config.error = NULL;
	if (config_load(sw, config.path, err, size)) {
		config.failures++;
		config.error = strdup(err);
		log_event(LOG_config, LEVEL_ERR, "the configuration is refused, nothing has changed",
			  "{s:s}", "why", err);
		event_publish(EVENT_config, NULL, "refused: %s", err);
		return -1;
	}
	config.loads++;
	log_event(LOG_config, LEVEL_INFO, "the configuration is loaded", "{s:s}",
		  "file", config.path);
	event_publish(EVENT_config, NULL, "loaded %s", config.path);
	return 0;
}

/* Which file it is.  Return: 0, or -1 if it can't be found. */
int config_set(const char *path)
{
	free(config.path);
	config.path = realpath(path, NULL);
	return config.path ? 0 : -1;
}

/* config show */
int cmd_config_show(struct sw *sw, const struct args *a, struct reply *r)
{
	(void)sw;
	(void)a;
	return reply_row(r, json_pack("{s:s*,s:i,s:i,s:s*}", "file", config.path,
				      "loads", config.loads, "failures",
				      config.failures, "error", config.error));
}

/* config reload */
int cmd_config_reload(struct sw *sw, const struct args *a, struct reply *r)
{
	(void)a;
	if (!config_reload(sw, r->err, sizeof(r->err)))
		return 0;
	r->failed = true;
	return -1;
}
