// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Programs: loaded from object files by libbpf, and pinned with their maps, so
 * that they outlive the daemon:
 *
 *	/sys/fs/bpf/ovs-bpf/v1/DATAPATH/prog/NAME
 *	/sys/fs/bpf/ovs-bpf/v1/DATAPATH/map/NAME/MAP
 *	/sys/fs/bpf/ovs-bpf/v1/DATAPATH/writes/NAME	what it may write
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/progfile.h"
#include "command.h"
#include "pins.h"
#include "switch.h"

/* Where the maps of a program are pinned; valid until the next call. */
const char *prog_map_dir(const struct sw *sw, const char *name)
{
	static char path[PIN_LEN];

	pin_path(sw, path, "map", name);
	return path;
}

struct prog *prog_find(const struct sw *sw, const char *name)
{
	struct prog *p;

	for (p = sw->progs; p; p = p->next)
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}

int sw_prog_fd(const char *name, void *sw)
{
	struct prog *p = prog_find(sw, name);

	return p ? p->fd : -ENOENT;
}

/* What a program is to the datapath, for the translation. */
enum prog_class sw_prog_class(const char *name, void *sw)
{
	const struct prog *p = prog_find(sw, name);

	return !p ? PROG_UNKNOWN : p->filter ? PROG_FILTER : PROG_ACTION;
}

static bool is_filter(int fd)
{
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &len) &&
	       info.type == BPF_PROG_TYPE_LWT_OUT;
}

static struct prog *prog_add(struct sw *sw, const char *name, int fd)
{
	struct prog *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	snprintf(p->name, sizeof(p->name), "%.*s", MAX_NAME - 1, name);
	p->fd = fd;
	p->filter = is_filter(fd);
	progwrites_unknown(&p->writes);
	p->next = sw->progs;
	sw->progs = p;
	return p;
}

/* What a program may write, for the translation. */
const struct progwrites *sw_prog_writes(const char *name, void *sw)
{
	const struct prog *p = prog_find(sw, name);

	return p ? &p->writes : NULL;
}

/*
 * The analysis outlives the daemon in a map of its own, next to the program: the
 * instructions of a loaded program can't be had from the kernel as they were.
 * The tag, a hash of the instructions, tells that it is about this program.
 */
struct pinned_writes {
	uint32_t version;
	uint32_t size;
	uint8_t tag[BPF_TAG_SIZE];
	uint64_t file_hash;
	struct progwrites writes;
};

#define WRITES_VERSION 2

static int prog_info(int fd, struct bpf_prog_info *info)
{
	uint32_t len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(fd, info, &len);
}

/* Without it a later daemon takes the program for one that writes anything. */
static void writes_save(const struct sw *sw, const struct prog *p)
{
	struct pinned_writes v = { .version = WRITES_VERSION, .size = sizeof(v),
				   .file_hash = p->file_hash,
				   .writes = p->writes };
	char dir[PIN_LEN], pin[PIN_LEN + MAX_NAME + 1];
	struct bpf_prog_info info;
	uint32_t zero = 0;
	int fd;

	pin_path(sw, dir, "writes", NULL);
	if (pin_dirs(dir) || prog_info(p->fd, &info))
		return;
	memcpy(v.tag, info.tag, sizeof(v.tag));
	snprintf(pin, sizeof(pin), "%s/%s", dir, p->name);
	unlink(pin);
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "prog_writes", sizeof(zero),
			    sizeof(v), 1, NULL);
	if (fd < 0)
		return;
	if (!bpf_map_update_elem(fd, &zero, &v, BPF_ANY))
		bpf_obj_pin(fd, pin);
	close(fd);
}

static void writes_restore(const struct sw *sw, struct prog *p)
{
	char pin[PIN_LEN];
	struct pinned_writes v = {};
	struct bpf_map_info map = {};
	struct bpf_prog_info info;
	uint32_t zero = 0, len = sizeof(map);
	int fd;

	pin_path(sw, pin, "writes", p->name);
	fd = bpf_obj_get(pin);
	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &map, &len) &&
	    map.type == BPF_MAP_TYPE_ARRAY && map.value_size == sizeof(v) &&
	    !bpf_map_lookup_elem(fd, &zero, &v) &&
	    v.version == WRITES_VERSION && v.size == sizeof(v) &&
	    v.writes.n_classes && v.writes.n_classes <= PW_CLASSES && !prog_info(p->fd, &info) &&
	    !memcmp(v.tag, info.tag, sizeof(v.tag))) {
		p->writes = v.writes;
		p->file_hash = v.file_hash;
	}
	close(fd);
}

static void remove_dir(const char *path)
{
	char file[PIN_LEN + 256];
	struct dirent *e;
	DIR *d = opendir(path);

	if (!d)
		return;
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		unlink(file);
	}
	closedir(d);
	rmdir(path);
}

/* A pin of a map that a load makes, or takes the place of. */
struct map_step {
	char pin[PIN_LEN + 64];
	int old_fd;
};

/* The load is undone: the pin becomes what it was. */
static void map_undo(struct sw *sw, void *arg)
{
	struct map_step *s = arg;

	(void)sw;
	unlink(s->pin);
	if (s->old_fd >= 0) {
		bpf_obj_pin(s->old_fd, s->pin);
		close(s->old_fd);
	}
	free(s);
}

static void map_keep(struct sw *sw, void *arg)
{
	struct map_step *s = arg;

	(void)sw;
	if (s->old_fd >= 0)
		close(s->old_fd);
	free(s);
}

static int map_note(struct sw *sw, const char *pin, int old_fd)
{
	struct map_step *s = calloc(1, sizeof(*s));

	if (!s) {
		if (old_fd >= 0)
			close(old_fd);
		return -ENOMEM;
	}
	snprintf(s->pin, sizeof(s->pin), "%s", pin);
	s->old_fd = old_fd;
	return txn_add(sw, map_undo, map_keep, s) ? -ENOMEM : 0;
}

/* Whether a pinned map is not of the shape that a file wants, and why. */
static bool map_differs(int fd, const struct bpf_map *map, char *why, size_t size)
{
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);
	unsigned int i;

	if (bpf_obj_get_info_by_fd(fd, &info, &len)) {
		snprintf(why, size, "the pinned one can't be read");
		return true;
	}
	const struct {
		const char *what;
		uint32_t old, new;
	} parts[] = {
		{ "type", info.type, bpf_map__type(map) },
		{ "key size", info.key_size, bpf_map__key_size(map) },
		{ "value size", info.value_size, bpf_map__value_size(map) },
		{ "number of entries", info.max_entries, bpf_map__max_entries(map) },
		{ "flags", info.map_flags, bpf_map__map_flags(map) },
	};

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].old == parts[i].new)
			continue;
		snprintf(why, size, "the %s was %u, is %u", parts[i].what,
			 parts[i].old, parts[i].new);
		return true;
	}
	return false;
}

/**
 * struct map_plan - how the maps of a file meet those that are pinned
 * @replace: those that don't fit may go.
 * @notes: which ones went; or NULL.
 * @err: a sentence, if one may not.
 * @size: its room.
 */
struct map_plan {
	bool replace;
	json_t *notes;
	char *err;
	size_t size;
};

/* A map that is pinned already is used again, with what it holds, if it fits. */
static int map_place(struct sw *sw, struct bpf_map *map, const char *pin,
		     struct map_plan *plan)
{
	int fd = bpf_obj_get(pin), err;
	char why[128];

	err = bpf_map__set_pin_path(map, pin);
	if (err || fd < 0)
		return err ? err : map_note(sw, pin, -1);
	if (!map_differs(fd, map, why, sizeof(why))) {
		close(fd);
		return 0;
	}
	if (!plan->replace) {
		close(fd);
		snprintf(plan->err, plan->size,
			 "the map %s is pinned, and does not fit: %s (--replace starts it empty)",
			 bpf_map__name(map), why);
		return -EEXIST;
	}
	if (plan->notes)
		json_array_append_new(plan->notes, json_pack(
			"{s:s,s:s}", "name", bpf_map__name(map), "why", why));
	if (unlink(pin)) {
		err = -errno;
		close(fd);
		return err;
	}
	return map_note(sw, pin, fd);
}

static int pin_maps(struct sw *sw, struct bpf_object *obj, const char *name,
		    struct map_plan *plan)
{
	char dir[PIN_LEN], path[PIN_LEN + 64];
	struct bpf_map *map;
	int err;

	pin_path(sw, dir, "map", name);
	err = pin_dirs(dir);
	if (err)
		snprintf(plan->err, plan->size, "can't pin below " BPFFS ": %s",
			 strerror(-err));
	bpf_object__for_each_map(map, obj) {
		if (err || bpf_map__is_internal(map))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, bpf_map__name(map));
		snprintf(plan->err, plan->size, "can't pin %s", path);
		err = map_place(sw, map, path, plan);
	}
	return err;
}

/* A program that was entered, and what it took the place of. */
struct prog_step {
	char name[MAX_NAME];
	int old_fd;
	struct progwrites old_writes;
	uint64_t old_hash;
};

/* Pin a program in place of another of its name; one of them is always there. */
static int prog_pin(const struct sw *sw, const char *name, int fd)
{
	char dir[PIN_LEN], pin[PIN_LEN + MAX_NAME + 1];
	char fresh[PIN_LEN + MAX_NAME + 8];

	pin_path(sw, dir, "prog", NULL);
	if (pin_dirs(dir))
		return -EIO;
	snprintf(pin, sizeof(pin), "%s/%s", dir, name);
	snprintf(fresh, sizeof(fresh), "%s/%s~new", dir, name);
	unlink(fresh);
	if (bpf_obj_pin(fd, fresh))
		return -EIO;
	if (rename(fresh, pin)) {
		unlink(fresh);
		return -EIO;
	}
	return 0;
}

static void prog_unpin(const struct sw *sw, const char *name)
{
	char path[PIN_LEN];

	pin_path(sw, path, "prog", name);
	unlink(path);
	pin_path(sw, path, "writes", name);
	unlink(path);
}

static void enter_undo(struct sw *sw, void *arg)
{
	struct prog_step *s = arg;
	struct prog **p = &sw->progs, *gone;

	while (*p && strcmp((*p)->name, s->name))
		p = &(*p)->next;
	gone = *p;
	if (gone && s->old_fd >= 0) {
		close(gone->fd);
		gone->fd = s->old_fd;
		gone->filter = is_filter(gone->fd);
		gone->writes = s->old_writes;
		gone->file_hash = s->old_hash;
		prog_pin(sw, s->name, gone->fd);
		writes_save(sw, gone);
	} else if (gone) {
		*p = gone->next;
		close(gone->fd);
		free(gone);
		/* Each of its maps has a step of its own. */
		prog_unpin(sw, s->name);
	}
	free(s);
}

static void enter_keep(struct sw *sw, void *arg)
{
	struct prog_step *s = arg;

	(void)sw;
	if (s->old_fd >= 0)
		close(s->old_fd);
	free(s);
}

/* Put a loaded program where rules find it. */
static int prog_enter(struct sw *sw, const struct progfile *f, const char *name)
{
	struct prog_step *s = calloc(1, sizeof(*s));
	struct prog *p = prog_find(sw, name);
	int fd = dup(bpf_program__fd(f->prog));

	if (!s || fd < 0)
		goto err;
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->old_fd = p ? p->fd : -1;
	if (p) {
		s->old_writes = p->writes;
		s->old_hash = p->file_hash;
	}
	if (!p)
		p = prog_add(sw, name, fd);
	if (!p)
		goto err;
	p->fd = fd;
	p->filter = is_filter(fd);
	p->writes = f->writes;
	p->file_hash = f->hash;
	if (txn_add(sw, enter_undo, enter_keep, s))
		return -ENOMEM;
	if (prog_pin(sw, name, fd))
		return -EIO;
	writes_save(sw, p);
	return 0;
err:
	free(s);
	if (fd >= 0)
		close(fd);
	return -ENOMEM;
}

/* The kernel has refused: a second look, without the pins, tells more. */
static void explain_refusal(const struct progfile *f, const char *path,
			    char *err, size_t size)
{
	struct progfile again;

	progfile_check(&again, path);
	progfile_explain(strcmp(again.verdict, "accepted") ? &again : f, err,
			 size);
	progfile_close(&again);
}

/**
 * prog_load - load a program and pin it
 * @sw: the switch, in a transaction, which is to be undone if this fails.
 * @name: what rules are to call it.
 * @path: object file with one program.
 * @replace: take the place of one of this name; its maps are kept if they fit.
 * @notes: array that gets what is said of maps that don't; or NULL.
 * @err: why not, if it fails.
 * @size: its room.
 *
 * Return: 0 or a negative errno.
 */
int prog_load(struct sw *sw, const char *name, const char *path, bool replace,
	      json_t *notes, char *err, size_t size)
{
	struct map_plan plan = { replace, notes, err, size };
	struct progfile f;
	int ret;

	if (!prog_name_ok(name) || strchr(name, '~')) {
		snprintf(err, size, "\"%s\" can't be the name of a program", name);
		return -EINVAL;
	}
	if (prog_find(sw, name) && !replace) {
		snprintf(err, size, "a program %s is loaded (--replace?)", name);
		return -EEXIST;
	}
	ret = progfile_open(&f, path);
	if (ret) {
		progfile_explain(&f, err, size);
	} else {
		ret = pin_maps(sw, f.obj, name, &plan);
		if (!ret) {
			ret = progfile_load(&f);
			if (ret)
				explain_refusal(&f, path, err, size);
		}
		if (!ret) {
			snprintf(err, size, "can't pin the program %s", name);
			ret = prog_enter(sw, &f, name);
		}
	}
	progfile_close(&f);
	if (!ret)
		sw_revalidate(sw);
	return ret;
}

static bool acts_name(const struct act *acts, unsigned int n, const char *name)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (acts[i].type == ACT_BPF && !strcmp(acts[i].prog, name))
			return true;
	return false;
}

/* Rules, or the groups that they may name. */
static bool rule_names(const struct sw *sw, const char *name)
{
	const struct rule *r;
	const struct group *g;
	unsigned int t, i;

	for (g = sw->groups.first; g; g = g->next)
		for (i = 0; i < g->n_buckets; i++)
			if (acts_name(g->buckets[i].acts, g->buckets[i].n_acts, name))
				return true;

	for (t = 0; t < N_TABLES; t++)
		for (r = sw->tables.first[t]; r; r = r->next)
			if (!strcmp(r->filter, name) ||
			    acts_name(r->acts, r->n_acts, name))
				return true;
	return false;
}

static void unload_undo(struct sw *sw, void *arg)
{
	struct prog *prog = arg;

	prog->next = sw->progs;
	sw->progs = prog;
}

static void unload_keep(struct sw *sw, void *arg)
{
	struct prog *prog = arg;
	char path[PIN_LEN];

	/* Unless the same batch has loaded another one. */
	if (!prog_find(sw, prog->name)) {
		prog_unpin(sw, prog->name);
		pin_path(sw, path, "map", prog->name);
		remove_dir(path);
	}
	close(prog->fd);
	free(prog);
}

/**
 * prog_unload - forget a program, its pin and its maps
 * @sw: the switch, in a transaction.
 * @name: its name; no rule may name it.
 * @err: a sentence, if it fails.
 * @size: its room.
 *
 * Return: 0 or a negative errno.
 */
int prog_unload(struct sw *sw, const char *name, char *err, size_t size)
{
	struct prog **p = &sw->progs, *prog;

	while (*p && strcmp((*p)->name, name))
		p = &(*p)->next;
	prog = *p;
	if (!prog) {
		snprintf(err, size, "no program %s is loaded", name);
		return -ENOENT;
	}
	if (rule_names(sw, name)) {
		snprintf(err, size, "a rule names the program %s", name);
		return -EBUSY;
	}
	*p = prog->next;
	return txn_add(sw, unload_undo, unload_keep, prog) ? -ENOMEM : 0;
}

/**
 * prog_adopt - know the programs that a former daemon has pinned
 * @sw: the switch.
 */
void prog_adopt(struct sw *sw)
{
	char dir[PIN_LEN], path[PIN_LEN + 256];
	struct dirent *e;
	struct prog *p;
	DIR *d;
	int fd;

	pin_path(sw, dir, "prog", NULL);
	d = opendir(dir);
	if (!d)
		return;
	while ((e = readdir(d))) {
		/* "NAME~new": a daemon ended while it was replacing one. */
		if (!prog_name_ok(e->d_name) || strchr(e->d_name, '~') || prog_find(sw, e->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		fd = bpf_obj_get(path);
		p = fd >= 0 ? prog_add(sw, e->d_name, fd) : NULL;
		if (p)
			writes_restore(sw, p);
		else if (fd >= 0)
			close(fd);
	}
	closedir(d);
}
