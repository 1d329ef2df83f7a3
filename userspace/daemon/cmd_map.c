// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands about the maps of programs, by their pins. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "switch.h"

#define MAX_VALUE (1u << 20)

/**
 * struct map - a map that was opened
 * @fd: descriptor.
 * @info: what the kernel says of it.
 * @value_len: bytes of a value; of all processors, if it has one for each.
 */
struct map {
	int fd;
	struct bpf_map_info info;
	size_t value_len;
};

static bool has_cpus(const struct map *m)
{
	return m->info.type == BPF_MAP_TYPE_PERCPU_HASH ||
	       m->info.type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       m->info.type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static size_t cpu_stride(const struct map *m)
{
	return (m->info.value_size + 7) & ~7u;
}

static int map_open(struct sw *sw, const char *prog, const char *name,
		    struct map *m, struct reply *r)
{
	uint32_t len = sizeof(m->info);
	char path[512];
	int cpus;

	memset(m, 0, sizeof(*m));
	if (strchr(name, '/') || strchr(name, '.') ||
	    snprintf(path, sizeof(path), "%s/%s", prog_map_dir(sw, prog), name) >=
	    (int)sizeof(path))
		return reply_fail(r, "\"%.60s\" can't be the name of a map", name);
	if (!prog_find(sw, prog))
		return reply_fail(r, "no program %.64s is loaded", prog);
	m->fd = bpf_obj_get(path);
	if (m->fd < 0)
		return reply_fail(r, "the program %.64s has no map %.60s", prog,
				  name);
	cpus = libbpf_num_possible_cpus();
	if (bpf_obj_get_info_by_fd(m->fd, &m->info, &len) || cpus < 1) {
		close(m->fd);
		return reply_fail(r, "can't read %s: %s", name, strerror(errno));
	}
	m->value_len = has_cpus(m) ? cpu_stride(m) * cpus : m->info.value_size;
	if (m->value_len > MAX_VALUE || m->info.key_size > MAX_VALUE) {
		close(m->fd);
		return reply_fail(r, "the values of %s are too large", name);
	}
	return 0;
}

static char *hex(char *to, const uint8_t *from, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (; len; len--, from++) {
		*to++ = digits[*from >> 4];
		*to++ = digits[*from & 15];
	}
	*to = 0;
	return to;
}

static json_t *entry(const struct map *m, const uint8_t *key, const uint8_t *value)
{
	char *key_text = malloc(2 * m->info.key_size + 1);
	char *text = malloc(3 * m->value_len + 1), *p = text;
	json_t *row = NULL;
	size_t i;

	if (key_text && text) {
		hex(key_text, key, m->info.key_size);
		*text = 0;
		for (i = 0; i < m->value_len;
		     i += has_cpus(m) ? cpu_stride(m) : m->value_len) {
			if (i)
				*p++ = ' ';
			p = hex(p, value + i, m->info.value_size);
		}
		row = json_pack("{s:s,s:s}", "key", key_text, "value", text);
	}
	free(key_text);
	free(text);
	return row;
}

/* map list [PROG] */
int cmd_map_list(struct sw *sw, const struct args *a, struct reply *r)
{
	const char *only = args_get(a, "PROG");
	const struct prog *p;
	struct dirent *e;
	struct map m;
	DIR *d;

	if (only && !prog_find(sw, only))
		return reply_fail(r, "no program %.64s is loaded", only);
	reply_list(r);
	for (p = sw->progs; p; p = p->next) {
		d = only && strcmp(p->name, only) ? NULL :
		    opendir(prog_map_dir(sw, p->name));
		while (d && (e = readdir(d))) {
			if (e->d_name[0] == '.' ||
			    map_open(sw, p->name, e->d_name, &m, r))
				continue;
			reply_row(r, json_pack(
				"{s:s,s:s,s:s,s:i,s:i,s:i,s:i}", "prog", p->name,
				"name", e->d_name, "type",
				libbpf_bpf_map_type_str(m.info.type), "id",
				m.info.id, "key_size", m.info.key_size,
				"value_size", m.info.value_size, "max_entries",
				m.info.max_entries));
			close(m.fd);
		}
		if (d)
			closedir(d);
	}
	return r->failed ? -1 : 0;
}

static int dump(const struct map *m, uint8_t *keys, uint8_t *value,
		struct reply *r)
{
	uint8_t *key = NULL, *next = keys;
	uint32_t i;

	reply_list(r);
	/* Entries that go meanwhile make the kernel begin anew: not for ever. */
	for (i = 0; i < m->info.max_entries; i++) {
		if (bpf_map_get_next_key(m->fd, key, next)) {
			if (errno != ENOENT)
				return reply_fail(r, "a map of this kind can't be dumped: %s",
						  strerror(errno));
			return 0;
		}
		if (!bpf_map_lookup_elem(m->fd, next, value) &&
		    reply_row(r, entry(m, next, value)))
			return -1;
		key = next;
		next = key == keys ? keys + m->info.key_size : keys;
	}
	return 0;
}

/* map dump PROG MAP */
int cmd_map_dump(struct sw *sw, const struct args *a, struct reply *r)
{
	uint8_t *keys, *value;
	struct map m;
	int err;

	if (map_open(sw, args_get(a, "PROG"), args_get(a, "MAP"), &m, r))
		return -1;
	keys = malloc(2 * m.info.key_size + 1);
	value = malloc(m.value_len + 1);
	err = keys && value ? dump(&m, keys, value, r) :
	      reply_fail(r, "out of memory");
	free(keys);
	free(value);
	close(m.fd);
	return err;
}

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	       c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Bytes from hexadecimal digits, as many as there must be; or NULL. */
static uint8_t *unhex(const char *text, size_t len, const char *what,
		      struct reply *r)
{
	uint8_t *buf;
	size_t i;

	for (i = 0; text[i] && nibble(text[i]) >= 0; i++)
		;
	if (text[i] || i != 2 * len) {
		reply_fail(r, "\"%.60s\" is no %s: it takes %zu hexadecimal digits",
			   text, what, 2 * len);
		return NULL;
	}
	buf = malloc(len + 1);
	if (!buf)
		reply_fail(r, "out of memory");
	for (i = 0; buf && i < len; i++)
		buf[i] = nibble(text[2 * i]) << 4 | nibble(text[2 * i + 1]);
	return buf;
}

/* map get PROG MAP KEY */
int cmd_map_get(struct sw *sw, const struct args *a, struct reply *r)
{
	uint8_t *key, *value;
	struct map m;

	if (map_open(sw, args_get(a, "PROG"), args_get(a, "MAP"), &m, r))
		return -1;
	key = unhex(args_get(a, "KEY"), m.info.key_size, "KEY", r);
	value = calloc(1, m.value_len + 1);
	if (key && value && !bpf_map_lookup_elem(m.fd, key, value))
		reply_row(r, entry(&m, key, value));
	else if (key)
		reply_fail(r, "no such key: %s", args_get(a, "KEY"));
	free(key);
	free(value);
	close(m.fd);
	return r->failed ? -1 : 0;
}

/**
 * struct map_undo - what a key had before
 * @fd: of the map.
 * @value: NULL: the key was not there.
 * @key: the key.
 */
struct map_undo {
	int fd;
	uint8_t *value;
	uint8_t *key;
};

static void map_forget(struct sw *sw, void *arg)
{
	struct map_undo *u = arg;

	(void)sw;
	close(u->fd);
	free(u->key);
	free(u->value);
	free(u);
}

static void map_restore(struct sw *sw, void *arg)
{
	struct map_undo *u = arg;

	if (u->value)
		bpf_map_update_elem(u->fd, u->key, u->value, BPF_ANY);
	else
		bpf_map_delete_elem(u->fd, u->key);
	map_forget(sw, u);
}

/* Set a key, or delete it; what it was is kept.  Takes all over but @value. */
static int change(struct sw *sw, struct map *m, uint8_t *key,
		  const uint8_t *value, struct reply *r)
{
	struct map_undo *u = calloc(1, sizeof(*u));
	uint8_t *was = malloc(m->value_len + 1);
	int err;

	if (!u || !was || !key) {
		free(u);
		free(was);
		free(key);
		close(m->fd);
		return r->failed ? -1 : reply_fail(r, "out of memory");
	}
	u->fd = m->fd;
	u->key = key;
	if (!bpf_map_lookup_elem(m->fd, key, was))
		u->value = was;
	else
		free(was);
	err = value ? bpf_map_update_elem(m->fd, key, value, BPF_ANY) :
		      bpf_map_delete_elem(m->fd, key);
	if (err) {
		reply_fail(r, "the kernel refuses: %s", strerror(errno));
		map_forget(sw, u);
		return -1;
	}
	return txn_add(sw, map_restore, map_forget, u) ?
	       reply_fail(r, "out of memory") : 0;
}

/* map set PROG MAP KEY VALUE */
int cmd_map_set(struct sw *sw, const struct args *a, struct reply *r)
{
	uint8_t *key, *value;
	struct map m;
	int err;

	if (map_open(sw, args_get(a, "PROG"), args_get(a, "MAP"), &m, r))
		return -1;
	if (has_cpus(&m)) {
		close(m.fd);
		return reply_fail(r, "a map with values for each processor can't be set");
	}
	key = unhex(args_get(a, "KEY"), m.info.key_size, "KEY", r);
	value = key ? unhex(args_get(a, "VALUE"), m.info.value_size, "VALUE", r) :
		      NULL;
	if (!value) {
		free(key);
		close(m.fd);
		return -1;
	}
	err = change(sw, &m, key, value, r);
	free(value);
	return err;
}

/* map del PROG MAP KEY */
int cmd_map_del(struct sw *sw, const struct args *a, struct reply *r)
{
	struct map m;

	if (map_open(sw, args_get(a, "PROG"), args_get(a, "MAP"), &m, r))
		return -1;
	return change(sw, &m, unhex(args_get(a, "KEY"), m.info.key_size, "KEY", r),
		      NULL, r);
}
