// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Programs: loaded from object files by libbpf, and pinned with their maps, so
 * that they outlive the daemon:
 *
 *	/sys/fs/bpf/ovs-bpf/v1/DATAPATH/prog/NAME
 *	/sys/fs/bpf/ovs-bpf/v1/DATAPATH/map/NAME/MAP
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "switch.h"

#define BPFFS "/sys/fs/bpf"
#define BPFFS_MAGIC 0xcafe4a11
#define PATH_LEN 512

static char log_text[4096];
static size_t log_len;

/* Keep the last of what libbpf says: a verifier's log ends with the reason. */
static int keep_log(enum libbpf_print_level level, const char *fmt,
		    va_list args)
{
	char line[65536];
	size_t n;
	int len;

	if (level == LIBBPF_DEBUG)
		return 0;
	len = vsnprintf(line, sizeof(line), fmt, args);
	n = len < 0 ? 0 : (size_t)len < sizeof(line) ? (size_t)len :
	    sizeof(line) - 1;
	if (n >= sizeof(log_text) / 2) {
		memcpy(log_text, line + n - sizeof(log_text) / 2,
		       sizeof(log_text) / 2);
		n = sizeof(log_text) / 2;
		log_len = 0;
	} else {
		if (log_len + n >= sizeof(log_text))
			log_len = 0;
		memcpy(log_text + log_len, line, n);
	}
	log_len += n;
	if (log_len >= sizeof(log_text))
		log_len = sizeof(log_text) - 1;
	log_text[log_len] = 0;
	return 0;
}

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
	p->next = sw->progs;
	sw->progs = p;
	return p;
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

static int load_object(struct sw *sw, struct bpf_object *obj, const char *name,
		       char *err, size_t size)
{
	struct bpf_program *prog = bpf_object__next_program(obj, NULL);
	char dir[PATH_LEN], pin[PATH_LEN + MAX_NAME + 1];
	struct prog *old = prog_find(sw, name);
	int fd;

	if (!prog || bpf_object__next_program(obj, prog)) {
		snprintf(err, size, "the file must hold one program");
		return -EINVAL;
	}
	bpf_program__set_type(prog, BPF_PROG_TYPE_SCHED_CLS);
	if (pin_maps(sw, obj, name)) {
		snprintf(err, size, "can't pin below " BPFFS);
		return -EIO;
	}
	if (bpf_object__load(obj)) {
		snprintf(err, size, "the kernel refused the program:\n%s",
			 log_text);
		return -EINVAL;
	}
	prog_dir(sw, dir, "prog", NULL);
	if (make_dirs(dir)) {
		snprintf(err, size, "can't pin below " BPFFS);
		return -EIO;
	}
	snprintf(pin, sizeof(pin), "%s/%s", dir, name);
	fd = dup(bpf_program__fd(prog));
	unlink(pin);
	if (fd < 0 || bpf_obj_pin(fd, pin)) {
		snprintf(err, size, "can't pin %s", pin);
		close(fd);
		return -EIO;
	}
	if (old) {
		close(old->fd);
		old->fd = fd;
	} else if (!prog_add(sw, name, fd)) {
		close(fd);
		snprintf(err, size, "out of memory");
		return -ENOMEM;
	}
	return 0;
}

/**
 * prog_load - load a program and pin it
 * @sw: the switch.
 * @name: what rules are to call it.
 * @path: object file with one program.
 * @replace: take the place of one of this name; its maps are kept.
 * @err: a sentence, if it fails.
 * @size: its room.
 *
 * Return: 0 or a negative errno.
 */
int prog_load(struct sw *sw, const char *name, const char *path, bool replace,
	      char *err, size_t size)
{
	struct bpf_object *obj;
	int ret;

	if (!*name || strlen(name) >= MAX_NAME || strpbrk(name, "/.,() ")) {
		snprintf(err, size, "\"%s\" can't be the name of a program", name);
		return -EINVAL;
	}
	if (prog_find(sw, name) && !replace) {
		snprintf(err, size, "a program %s is loaded (--replace?)", name);
		return -EEXIST;
	}
	libbpf_set_print(keep_log);
	log_len = 0;
	log_text[0] = 0;
	obj = bpf_object__open_file(path, NULL);
	if (!obj) {
		snprintf(err, size, "can't read %s: %s", path, strerror(errno));
		return -EINVAL;
	}
	ret = load_object(sw, obj, name, err, size);
	bpf_object__close(obj);
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
		if (fd >= 0 && !prog_add(sw, e->d_name, fd))
			close(fd);
	}
	closedir(d);
}
