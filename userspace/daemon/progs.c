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
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "../lib/progfile.h"
#include "switch.h"

#define BPFFS "/sys/fs/bpf"
#define BPFFS_MAGIC 0xcafe4a11
#define PATH_LEN 512

static int make_dirs(char *path)
{
	struct statfs fs;
	char *p;

	if (statfs(BPFFS, &fs) || (unsigned long)fs.f_type != BPFFS_MAGIC)
		if (mount("bpf", BPFFS, "bpf", 0, NULL))
			return -errno;
	for (p = path + strlen(BPFFS) + 1; (p = strchr(p, '/')); p++) {
		*p = 0;
		if (mkdir(path, 0700) && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

static void prog_dir(const struct sw *sw, char *path, const char *kind,
		     const char *name)
{
	snprintf(path, PATH_LEN, BPFFS "/ovs-bpf/v1/%s/%s%s%s", sw->dp, kind,
		 name ? "/" : "", name ? name : "");
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

static struct prog *prog_add(struct sw *sw, const char *name, int fd)
{
	struct prog *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	snprintf(p->name, sizeof(p->name), "%.*s", MAX_NAME - 1, name);
	p->fd = fd;
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
	struct progwrites writes;
};

#define WRITES_VERSION 1

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
				   .writes = p->writes };
	char dir[PATH_LEN], pin[PATH_LEN + MAX_NAME + 1];
	struct bpf_prog_info info;
	uint32_t zero = 0;
	int fd;

	prog_dir(sw, dir, "writes", NULL);
	if (make_dirs(dir) || prog_info(p->fd, &info))
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
	char pin[PATH_LEN];
	struct pinned_writes v = {};
	struct bpf_map_info map = {};
	struct bpf_prog_info info;
	uint32_t zero = 0, len = sizeof(map);
	int fd;

	prog_dir(sw, pin, "writes", p->name);
	fd = bpf_obj_get(pin);
	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &map, &len) &&
	    map.type == BPF_MAP_TYPE_ARRAY && map.value_size == sizeof(v) &&
	    !bpf_map_lookup_elem(fd, &zero, &v) &&
	    v.version == WRITES_VERSION && v.size == sizeof(v) &&
	    v.writes.n_classes && v.writes.n_classes <= PW_CLASSES && !prog_info(p->fd, &info) &&
	    !memcmp(v.tag, info.tag, sizeof(v.tag)))
		p->writes = v.writes;
	close(fd);
}

/* Maps that are pinned already are used again, with what they hold. */
static int pin_maps(const struct sw *sw, struct bpf_object *obj,
		    const char *name)
{
	char dir[PATH_LEN], path[PATH_LEN + 64];
	struct bpf_map *map;
	int err;

	prog_dir(sw, dir, "map", name);
	err = make_dirs(dir);
	bpf_object__for_each_map(map, obj) {
		if (err || bpf_map__is_internal(map))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, bpf_map__name(map));
		err = bpf_map__set_pin_path(map, path);
	}
	return err;
}

/* Put a loaded program where rules find it. */
static int prog_enter(struct sw *sw, const struct progfile *f, const char *name,
		      char *err, size_t size)
{
	char dir[PATH_LEN], pin[PATH_LEN + MAX_NAME + 1];
	struct prog *p = prog_find(sw, name);
	int fd;

	prog_dir(sw, dir, "prog", NULL);
	if (make_dirs(dir)) {
		snprintf(err, size, "can't pin below " BPFFS);
		return -EIO;
	}
	snprintf(pin, sizeof(pin), "%s/%s", dir, name);
	fd = dup(bpf_program__fd(f->prog));
	unlink(pin);
	if (fd < 0 || bpf_obj_pin(fd, pin)) {
		snprintf(err, size, "can't pin %s", pin);
		close(fd);
		return -EIO;
	}
	if (p) {
		close(p->fd);
		p->fd = fd;
	} else {
		p = prog_add(sw, name, fd);
		if (!p) {
			close(fd);
			snprintf(err, size, "out of memory");
			return -ENOMEM;
		}
	}
	p->writes = f->writes;
	writes_save(sw, p);
	return 0;
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
 * @sw: the switch.
 * @name: what rules are to call it.
 * @path: object file with one program.
 * @replace: take the place of one of this name; its maps are kept.
 * @err: why not, if it fails.
 * @size: its room.
 *
 * Return: 0 or a negative errno.
 */
int prog_load(struct sw *sw, const char *name, const char *path, bool replace,
	      char *err, size_t size)
{
	struct progfile f;
	int ret;

	if (!prog_name_ok(name)) {
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
	} else if (pin_maps(sw, f.obj, name)) {
		snprintf(err, size, "can't pin below " BPFFS);
		ret = -EIO;
	} else {
		ret = progfile_load(&f);
		if (ret)
			explain_refusal(&f, path, err, size);
		else
			ret = prog_enter(sw, &f, name, err, size);
	}
	progfile_close(&f);
	if (!ret)
		sw_revalidate(sw);
	return ret;
}

static bool rule_names(const struct sw *sw, const char *name)
{
	const struct rule *r;
	unsigned int t, i;

	for (t = 0; t < N_TABLES; t++)
		for (r = sw->tables.first[t]; r; r = r->next)
			for (i = 0; i < r->n_acts; i++)
				if (r->acts[i].type == ACT_BPF &&
				    !strcmp(r->acts[i].prog, name))
					return true;
	return false;
}

static void remove_dir(const char *path)
{
	char file[PATH_LEN + 256];
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

/**
 * prog_unload - forget a program, its pin and its maps
 * @sw: the switch.
 * @name: its name; no rule may name it.
 * @err: a sentence, if it fails.
 * @size: its room.
 *
 * Return: 0 or a negative errno.
 */
int prog_unload(struct sw *sw, const char *name, char *err, size_t size)
{
	struct prog **p = &sw->progs, *prog;
	char path[PATH_LEN];

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
	close(prog->fd);
	free(prog);
	prog_dir(sw, path, "prog", name);
	unlink(path);
	prog_dir(sw, path, "writes", name);
	unlink(path);
	prog_dir(sw, path, "map", name);
	remove_dir(path);
	return 0;
}

/**
 * prog_adopt - know the programs that a former daemon has pinned
 * @sw: the switch.
 */
void prog_adopt(struct sw *sw)
{
	char dir[PATH_LEN], path[PATH_LEN + 256];
	struct dirent *e;
	struct prog *p;
	DIR *d;
	int fd;

	prog_dir(sw, dir, "prog", NULL);
	d = opendir(dir);
	if (!d)
		return;
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.' || prog_find(sw, e->d_name))
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
