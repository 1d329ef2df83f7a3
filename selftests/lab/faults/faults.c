// SPDX-License-Identifier: GPL-2.0
/*
 * A module with deliberate faults: insmod faults.ko fault=NAME commits one, so that
 * a test can see the debug kernels report it.  Never to be loaded anywhere else.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static char *fault = "none";
module_param(fault, charp, 0444);
MODULE_PARM_DESC(fault, "the fault to commit");

static DEFINE_SPINLOCK(lock_a);
static DEFINE_SPINLOCK(lock_b);
static int __rcu *pointer;
static int table[4];
/* What the compiler must not know, or it would find the fault itself. */
static volatile int four = 4, forty = 40;

static void out_of_bounds(void)
{
	char *p = kmalloc(64, GFP_KERNEL);

	if (p)
		p[forty + 24] = 1;
	kfree(p);
}

static void use_after_free(void)
{
	char *volatile p = kmalloc(64, GFP_KERNEL);

	kfree(p);
	if (p)
		p[8] = 1;
}

static void double_free(void)
{
	char *volatile p = kmalloc(64, GFP_KERNEL);

	kfree(p);
	kfree(p);
}

static void leak(void)
{
	int i;

	/* Many, as one may be found in a register or on a stack by chance. */
	for (i = 0; i < 16; i++) {
		void *volatile p = kmalloc(4000, GFP_KERNEL);

		p = NULL;
	}
}

static void inversion(void)
{
	spin_lock(&lock_a);
	spin_lock(&lock_b);
	spin_unlock(&lock_b);
	spin_unlock(&lock_a);

	spin_lock(&lock_b);
	spin_lock(&lock_a);
	spin_unlock(&lock_a);
	spin_unlock(&lock_b);
}

static void no_rcu_lock(void)
{
	if (rcu_dereference(pointer))
		pr_info("faults: a pointer out of nowhere\n");
}

static void sleep_in_atomic(void)
{
	void *p;

	spin_lock(&lock_a);
	p = kmalloc(64, GFP_KERNEL);
	spin_unlock(&lock_a);
	kfree(p);
}

static void index_out_of_bounds(void)
{
	WRITE_ONCE(forty, table[four]);
}

static void shift_out_of_bounds(void)
{
	WRITE_ONCE(forty, 1 << forty);
}

static const struct {
	const char *name;
	void (*commit)(void);
} faults[] = {
	{ "out-of-bounds", out_of_bounds },
	{ "use-after-free", use_after_free },
	{ "double-free", double_free },
	{ "leak", leak },
	{ "inversion", inversion },
	{ "no-rcu-lock", no_rcu_lock },
	{ "sleep-in-atomic", sleep_in_atomic },
	{ "index-out-of-bounds", index_out_of_bounds },
	{ "shift-out-of-bounds", shift_out_of_bounds },
};

static int __init faults_init(void)
{
	int i;

	if (!strcmp(fault, "none"))
		return 0;
	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		if (!strcmp(fault, faults[i].name)) {
			faults[i].commit();
			return 0;
		}
	}
	return -EINVAL;
}

static void __exit faults_exit(void)
{
}

module_init(faults_init);
module_exit(faults_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Deliberate faults, to test the tests");
