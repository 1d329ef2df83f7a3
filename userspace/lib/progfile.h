/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program in an object file: loading it, and why the kernel refuses it. */
#ifndef PROGFILE_H
#define PROGFILE_H 1

#include <bpf/libbpf.h>

#include "../pipeline/progwrites.h"

/**
 * struct progfile - the program of an object file
 * @obj: the file.
 * @prog: its program; it must have one.
 * @verdict: "accepted" or "refused" by the kernel, or "unusable" as it is.
 * @processed: instructions that the verifier went through; 0: not known.
 * @states: states that it kept at its peak.
 * @hash: of the file's contents; not 0.
 * @writes: what the program may write; valid when it is loaded.
 * @err: a sentence, if it is not loaded.
 * @hint: what to do about it, in plain words; or NULL.
 * @log: the last lines of the verifier's log; or NULL.
 */
struct progfile {
	struct bpf_object *obj;
	struct bpf_program *prog;
	const char *verdict;
	unsigned long processed;
	unsigned long states;
	uint64_t hash;
	struct progwrites writes;
	char err[640];
	const char *hint;
	char *log;
};

int progfile_open(struct progfile *f, const char *path);
int progfile_hash(const char *path, uint64_t *hash);
int progfile_load(struct progfile *f);
void progfile_check(struct progfile *f, const char *path);
void progfile_close(struct progfile *f);
int progfile_explain(const struct progfile *f, char *buf, size_t size);

#endif
