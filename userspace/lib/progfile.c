// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loading a program, and putting what the verifier says against it into words.
 *
 * A first attempt asks the kernel for its statistics alone.  Only if that is
 * refused does a second one ask for the whole log, whose end tells the reason:
 * the log of a large program that is accepted may be too long for any buffer.
 */
#include "progfile.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "readfile.h"

/* Bits of log_level. */
#define LOG_TRACE 1
#define LOG_STATS 4

#define STATS_SIZE 65536
#define TRACE_SIZE ((16 << 20) - 1)	/* the most that old kernels take */
#define MAX_OBJECT (32u << 20)
#define TAIL_LINES 12
#define TAIL_SIZE 2048

/* What libbpf itself has said: the first words tell why, the last that it failed. */
static char said[2048];

static int keep_words(enum libbpf_print_level level, const char *fmt,
		      va_list args)
{
	size_t n = strlen(said);

	if (level == LIBBPF_WARN && !strstr(fmt, "BEGIN PROG LOAD LOG"))
		vsnprintf(said + n, sizeof(said) - n, fmt, args);
	return 0;
}

static const struct {
	const char *log;
	const char *hint;
} hints[] = {
	{ "invalid access to packet",
	  "compare the pointer with data_end before the access: \"if (p + size > data_end) return\"; and again after any helper that may move the packet" },
	{ "cannot write into packet",
	  "a program of this type may only read the packet" },
	{ "math between pkt pointer",
	  "an offset into the packet needs an upper bound that the verifier can see, such as \"ofs &= 0x3f\" or \"if (ofs > 60) return\"" },
	{ "map_value_or_null",
	  "test what bpf_map_lookup_elem() returns against NULL before using it" },
	{ "ringbuf_mem_or_null",
	  "test what bpf_ringbuf_reserve() returns against NULL before using it" },
	{ "_or_null'",
	  "test the pointer against NULL before using it" },
	{ "invalid access to map value",
	  "the access may lie outside of the map's value: bound the index first" },
	{ "invalid mem access 'scalar'",
	  "a number is used as a pointer: load pointers into the packet anew after helpers that may move it, and keep pointers in variables of 64 bits" },
	{ "invalid mem access 'inv'",
	  "a number is used as a pointer: load pointers into the packet anew after helpers that may move it, and keep pointers in variables of 64 bits" },
	{ "invalid bpf_context access",
	  "this field of __sk_buff can't be read or written by a program of this type, or not by an access of this size" },
	{ "dereference of modified ctx ptr",
	  "the compiler added to the pointer to __sk_buff: read each field directly, or write cb[] by ovs_cb_set()" },
	{ "infinite loop detected",
	  "the loop's end can't be seen: give it a constant bound" },
	{ "back-edge from insn",
	  "the loop's end can't be seen: give it a constant bound, or unroll it" },
	{ "prohibited for !root",
	  "the daemon lacks CAP_PERFMON, without which no variable offset can be added to a packet pointer: read there by bpf_skb_load_bytes()" },
	{ "attempt to corrupt spilled pointer",
	  "the daemon lacks CAP_PERFMON, without which this kernel lets no part of 8 bytes of the stack be written piece by piece: keep the structure in a map, as lb.bpf.c does" },
	{ "too large",
	  "the verifier gave up: fewer branches in loops, smaller bounds, or several programs" },
	{ "too many states",
	  "the verifier gave up: fewer branches in loops, smaller bounds, or several programs" },
	{ "combined stack size",
	  "the functions that call each other have 512 bytes of stack together: move large variables into a map" },
	{ "invalid read from stack",
	  "a variable is read that was not set, or the padding of a structure: initialise it whole, by \"= {}\" or memset()" },
	{ "invalid indirect read from stack",
	  "a helper gets memory that was not set, or the padding of a structure: initialise it whole, by \"= {}\" or memset()" },
	{ "invalid indirect access to stack",
	  "a helper gets memory that was not set, or the padding of a structure: initialise it whole, by \"= {}\" or memset()" },
	{ "invalid write to stack",
	  "a write outside of a variable on the stack: bound the index first" },
	{ "!read_ok",
	  "a variable is used that was not set on every path, or a pointer that a call has made invalid" },
	{ "Unreleased reference",
	  "what was reserved or looked up must be given back on every path: bpf_ringbuf_submit() or _discard(), bpf_sk_release()" },
	{ "GPL-restricted",
	  "this helper needs a licence of the program that agrees with the GPL: char LICENSE[] SEC(\"license\") = \"GPL\"" },
	{ "GPL compatible",
	  "this helper needs a licence of the program that agrees with the GPL: char LICENSE[] SEC(\"license\") = \"GPL\"" },
	{ "cannot use helper",
	  "this helper is not there for programs of this type: see the manual page bpf-helpers(7)" },
	{ "unknown func",
	  "this helper is not there for programs of this type, or not in this kernel: see the manual page bpf-helpers(7)" },
	{ "invalid func",
	  "this helper is not in this kernel" },
	{ "misaligned",
	  "the access is not aligned: read the value byte by byte, or use a packed structure" },
	{ "At program exit the register R0",
	  "the program may return only certain values: see the verdicts in ovs_bpf.h" },
	{ "unreachable insn",
	  "a part of the program can't be reached" },
	{ "failed to find valid kernel BTF",
	  "the program asks for structures of the kernel, and this kernel does not describe them: there is no /sys/kernel/btf/vmlinux" },
};

/* By the last line that a hint is known for. */
static const char *hint_for(const char *log)
{
	const char *line, *end = log + strlen(log);
	unsigned int i;

	for (; end > log; end = line - 1) {
		for (line = end; line > log && line[-1] != '\n'; line--)
			;
		for (i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
			if (memmem(line, end - line, hints[i].log,
				   strlen(hints[i].log)))
				return hints[i].hint;
		if (line == log)
			break;
	}
	return NULL;
}

/* Why the kernel may refuse a program without a word from the verifier. */
static const char *hint_for_errno(int err)
{
	switch (err) {
	case EPERM:
		return "loading programs needs the capabilities CAP_BPF and CAP_NET_ADMIN";
	case ENOMEM:
		return "the kernel has no memory for the program or its maps";
	case E2BIG:
		return "the program has too many instructions";
	case EINVAL:
		return "a map's definition, or a feature that this kernel lacks";
	default:
		return NULL;
	}
}

static int unusable(struct progfile *f, int err, const char *fmt,
		    const char *what)
{
	f->verdict = "unusable";
	snprintf(f->err, sizeof(f->err), fmt, what);
	return err;
}

/* FNV-1a: it tells whether a file has changed, not whether it is to be trusted. */
static uint64_t hash_of(const char *buf, size_t len)
{
	uint64_t h = 14695981039346656037ull;

	for (; len; len--)
		h = (h ^ (uint8_t)*buf++) * 1099511628211ull;
	return h ? h : 1;
}

/**
 * progfile_hash - the hash of an object file
 * @path: the file.
 * @hash: filled in.
 *
 * Return: 0 or -1.
 */
int progfile_hash(const char *path, uint64_t *hash)
{
	char why[512];
	size_t len;
	char *buf = read_file(path, MAX_OBJECT, &len, why, sizeof(why));

	if (!buf)
		return -1;
	*hash = hash_of(buf, len);
	free(buf);
	return 0;
}

static int open_object(struct progfile *f, const char *path)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	char name[64], why[128];
	const char *base = strrchr(path, '/');
	size_t len;
	char *buf;
	int err;

	f->verdict = "unusable";
	f->hint = "the file must be what \"clang -target bpf -g -O2 -c\" makes";
	buf = read_file(path, MAX_OBJECT, &len, f->err, sizeof(f->err));
	if (!buf)
		return -EINVAL;
	base = base ? base + 1 : path;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(base, "."), base);
	opts.object_name = name;
	f->obj = bpf_object__open_mem(buf, len, &opts);
	err = errno;
	f->hash = hash_of(buf, len);
	free(buf);
	if (f->obj) {
		f->hint = NULL;
		return 0;
	}
	if (strstr(said, "BTF is required")) {
		f->hint = "compile it with -g: \"clang -target bpf -g -O2 -c\"";
		snprintf(f->err, sizeof(f->err),
			 "can't use %.400s: it has no BTF, which describes its maps",
			 path);
		return -err;
	}
	libbpf_strerror(err, why, sizeof(why));
	snprintf(f->err, sizeof(f->err), "can't read %.400s: %s", path, why);
	return -err;
}

/**
 * progfile_open - read an object file
 * @f: filled in; to be closed in any case.
 * @path: the file.
 *
 * Return: 0 or a negative errno, with a sentence in @f.
 */
int progfile_open(struct progfile *f, const char *path)
{
	int err;

	memset(f, 0, sizeof(*f));
	progwrites_unknown(&f->writes);
	libbpf_set_print(keep_words);
	said[0] = 0;
	err = open_object(f, path);
	if (err)
		return err;
	f->prog = bpf_object__next_program(f->obj, NULL);
	if (!f->prog)
		return unusable(f, -EINVAL, "%s holds no program", path);
	if (bpf_object__next_program(f->obj, f->prog))
		return unusable(f, -EINVAL, "%s holds more than one program", path);
	/* An action, whatever its section is called, unless it is a filter. */
	if (bpf_program__type(f->prog) != BPF_PROG_TYPE_LWT_OUT)
		bpf_program__set_type(f->prog, BPF_PROG_TYPE_SCHED_CLS);
	return 0;
}

/* "processed 267 insns (limit 1000000) max_states_per_insn 1 total_states 17
 * peak_states 17 mark_read 5"
 */
static void read_stats(struct progfile *f, const char *log)
{
	const char *line = NULL, *next = log;

	while ((next = strstr(next, "processed ")))
		line = next++;
	if (line)
		sscanf(line, "processed %lu insns (limit %*u) max_states_per_insn %*u total_states %*u peak_states %lu",
		       &f->processed, &f->states);
}

/* The last lines of the log, without the statistics behind them. */
static char *tail_of(char *log)
{
	char *end = log + strlen(log), *p;
	unsigned int lines = 0;

	p = strstr(log, "\nverification time ");
	while (p && strstr(p + 1, "\nverification time "))
		p = strstr(p + 1, "\nverification time ");
	if (!p) {
		for (p = log; (p = strstr(p, "\nprocessed ")); p++)
			end = p;
	} else {
		end = p;
	}
	while (end > log && end[-1] == '\n')
		end--;
	for (p = end; p > log && end - p < TAIL_SIZE; p--)
		if (p[-1] == '\n' && ++lines == TAIL_LINES)
			break;
	return strndup(p, end - p);
}

static int load(struct progfile *f, int level, size_t size)
{
	char *buf = malloc(size);
	int err;

	if (!buf) {
		f->verdict = "unusable";
		snprintf(f->err, sizeof(f->err), "out of memory");
		return -ENOMEM;
	}
	buf[0] = 0;
	bpf_program__set_log_buf(f->prog, buf, size);
	bpf_program__set_log_level(f->prog, level);
	err = bpf_object__load(f->obj);
	read_stats(f, buf);
	if (err) {
		f->verdict = "refused";
		snprintf(f->err, sizeof(f->err), "the kernel refused the program: %s",
			 strerror(-err));
		if (*buf)
			f->log = tail_of(buf);
		else if (*said)
			f->log = strndup(said, strcspn(said, "\n"));
		f->hint = f->log ? hint_for(f->log) : NULL;
		if (!*buf && !f->hint)
			f->hint = hint_for_errno(-err);
	}
	bpf_program__set_log_buf(f->prog, NULL, 0);
	free(buf);
	return err;
}

/**
 * progfile_load - load the program
 * @f: a file that is open; pins of its maps may be set.
 *
 * Return: 0 or a negative errno, with a sentence in @f; @f can't be loaded again
 * then.
 */
int progfile_load(struct progfile *f)
{
	int err;

	said[0] = 0;
	err = load(f, LOG_STATS, STATS_SIZE);
	if (err)
		return err;
	f->verdict = "accepted";
	if (bpf_program__type(f->prog) == BPF_PROG_TYPE_LWT_OUT) {
		progwrites_nothing(&f->writes);	/* the verifier has proved it */
		return 0;
	}
	/* They are now those that the kernel got. */
	progwrites_analyze(bpf_program__insns(f->prog),
			   bpf_program__insn_cnt(f->prog), &f->writes);
	return 0;
}

/**
 * progfile_check - try to load a program, and tell as much as there is to tell
 * @f: filled in, by a second attempt if the first is refused; to be closed.
 * @path: the file.
 */
void progfile_check(struct progfile *f, const char *path)
{
	if (progfile_open(f, path) || !progfile_load(f))
		return;
	progfile_close(f);
	if (!progfile_open(f, path))
		load(f, LOG_TRACE | LOG_STATS, TRACE_SIZE);
}

/**
 * progfile_close - let go of a file; a loaded program goes unless it has other
 * holders
 * @f: the file.
 */
void progfile_close(struct progfile *f)
{
	bpf_object__close(f->obj);
	free(f->log);
	f->obj = NULL;
	f->log = NULL;
}

/**
 * progfile_explain - say why a program is not loaded
 * @f: the file.
 * @buf: the text; cut if it does not fit.
 * @size: its room.
 *
 * Return: length of the text.
 */
int progfile_explain(const struct progfile *f, char *buf, size_t size)
{
	int n = snprintf(buf, size, "%s%s%s%s%s", f->err,
			 f->hint ? "\nhint: " : "", f->hint ? f->hint : "",
			 f->log ? "\nthe last lines of its log:\n" : "",
			 f->log ? f->log : "");

	return n < (int)size ? n : (int)size - 1;
}
