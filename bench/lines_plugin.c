// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A plugin for QEMU: which cache lines do processors read and write, and what in the kernel
 * does?
 *
 *	-plugin lines_plugin.so,ctl=FIFO,out=FILE,marks=N
 *
 * When a hexadecimal address has come through FIFO, each access of the kernel to memory is
 * noted, until both processors have got N times to that address, of a function.  Then FILE
 * has a line for each processor, instruction and cache line:
 *
 *	PROCESSOR INSTRUCTION LINE READS WRITES
 *
 * and before them one with the times that the processors got to the function.
 *
 * There is no package with QEMU's header of plugins (API version 1, QEMU's documentation,
 * "QEMU TCG Plugins"), so what is used of it is declared here.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_hwaddr;
enum { PLUGIN_NO_REGS = 0, PLUGIN_MEM_RW = 3 };

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id,
					   void (*cb)(uint64_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  void (*cb)(unsigned int cpu, void *arg),
					  int flags, void *arg);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
				      void (*cb)(unsigned int cpu, uint32_t info,
						 uint64_t vaddr, void *arg),
				      int flags, int rw, void *arg);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
bool qemu_plugin_mem_is_store(uint32_t info);
struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(uint32_t info, uint64_t vaddr);
bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr *haddr);
uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr *haddr);

int qemu_plugin_version = 1;

#define CPUS 2
#define LINE 64
/* Pairs of an instruction and a line that a processor has; a power of two. */
#define SLOTS (1u << 21)

/**
 * struct access - what an instruction has done to a line
 * @pc: where the instruction is; 0: nothing is noted here.
 * @line: number of the line, by its physical address.
 * @reads: how many.
 * @writes: how many.
 */
struct access {
	uint64_t pc, line;
	uint32_t reads, writes;
};

static struct access *accesses[CPUS];	/* each processor's thread has its own */
static uint32_t used[CPUS];
static atomic_uint marks[CPUS];
static atomic_bool on;
static atomic_uint_fast64_t mark;
static unsigned int marks_wanted;
static char *ctl, *out;

static struct access *slot(struct access *table, uint64_t pc, uint64_t line)
{
	uint64_t i = (pc * 0x9e3779b97f4a7c15 ^ line * 0xc2b2ae3d27d4eb4f) >> 20;

	while (table[i % SLOTS].pc && (table[i % SLOTS].pc != pc || table[i % SLOTS].line != line))
		i++;
	return &table[i % SLOTS];
}

static void on_access(unsigned int cpu, uint32_t info, uint64_t vaddr, void *pc)
{
	struct qemu_plugin_hwaddr *h;
	struct access *a;

	if (!atomic_load_explicit(&on, memory_order_relaxed) || cpu >= CPUS ||
	    !(vaddr >> 63))
		return;
	h = qemu_plugin_get_hwaddr(info, vaddr);
	if (!h || qemu_plugin_hwaddr_is_io(h))
		return;
	a = slot(accesses[cpu], (uint64_t)pc, qemu_plugin_hwaddr_phys_addr(h) / LINE);
	if (!a->pc) {
		if (++used[cpu] > SLOTS / 4 * 3) {
			fprintf(stderr, "lines: too many accesses to note\n");
			exit(1);
		}
		a->pc = (uint64_t)pc;
		a->line = qemu_plugin_hwaddr_phys_addr(h) / LINE;
	}
	if (qemu_plugin_mem_is_store(info))
		a->writes++;
	else
		a->reads++;
}

static void tell(void)
{
	const struct access *a;
	char part[4096];
	uint32_t cpu;
	FILE *f;

	snprintf(part, sizeof(part), "%s.part", out);
	f = fopen(part, "w");
	if (!f) {
		perror(part);
		exit(1);
	}
	for (cpu = 0; cpu < CPUS; cpu++)
		fprintf(f, "%u%c", atomic_load(&marks[cpu]), cpu == CPUS - 1 ? '\n' : ' ');
	for (cpu = 0; cpu < CPUS; cpu++)
		for (a = accesses[cpu]; a < accesses[cpu] + SLOTS; a++)
			if (a->pc)
				fprintf(f, "%u %" PRIx64 " %" PRIx64 " %u %u\n", cpu, a->pc,
					a->line, a->reads, a->writes);
	fclose(f);
	rename(part, out);
}

static void on_block(unsigned int cpu, void *vaddr)
{
	unsigned int i;

	if (!atomic_load_explicit(&on, memory_order_relaxed) || cpu >= CPUS ||
	    (uint64_t)vaddr != atomic_load_explicit(&mark, memory_order_relaxed))
		return;
	marks[cpu]++;
	for (i = 0; i < CPUS; i++)
		if (marks[i] < marks_wanted)
			return;
	atomic_store(&on, false);
}

static void on_translation(uint64_t id, struct qemu_plugin_tb *tb)
{
	uint64_t at = qemu_plugin_tb_vaddr(tb);
	size_t i;

	(void)id;
	if (!(at >> 63))
		return;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, PLUGIN_NO_REGS, (void *)at);
	for (i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		qemu_plugin_register_vcpu_mem_cb(insn, on_access, PLUGIN_NO_REGS, PLUGIN_MEM_RW,
						 (void *)qemu_plugin_insn_vaddr(insn));
	}
}

static void *wait_for_start(void *arg)
{
	FILE *f = fopen(ctl, "r");
	uint64_t at;

	(void)arg;
	if (!f || fscanf(f, "%" SCNx64, &at) != 1)
		return NULL;
	atomic_store(&mark, at);
	atomic_store(&on, true);
	while (atomic_load(&on))
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	tell();
	return NULL;
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
	pthread_t thread;
	int i;

	(void)info;
	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "ctl=", 4))
			ctl = strdup(argv[i] + 4);
		else if (!strncmp(argv[i], "out=", 4))
			out = strdup(argv[i] + 4);
		else if (!strncmp(argv[i], "marks=", 6))
			marks_wanted = atoi(argv[i] + 6);
	}
	if (!ctl || !out || !marks_wanted) {
		fprintf(stderr, "lines: ctl=, out= and marks= are needed\n");
		return -1;
	}
	for (i = 0; i < CPUS; i++) {
		accesses[i] = calloc(SLOTS, sizeof(**accesses));
		if (!accesses[i])
			return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	return pthread_create(&thread, NULL, wait_for_start, NULL);
}
