// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ports come and go.  In a batch one goes at the end, when all else has worked, as what
 * was on its way there is lost; but if it has the device or the number that another is
 * to have, it goes before that one comes: after the last line.  If that fails it is made
 * again.
 */
#include <errno.h>
#include <linux/openvswitch.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "../lib/log.h"
#include "command.h"
#include "switch.h"

/**
 * struct going - a port that is to go
 * @link: list.
 * @name: of its device.
 * @number: its number.
 * @internal: the device is the switch's own.
 * @first: it goes before others come.
 * @gone: it is gone.
 */
struct going {
	TAILQ_ENTRY(going) link;
	char name[16];
	uint32_t number;
	bool internal;
	bool first;
	bool gone;
};

/**
 * struct coming - a port that comes when others are gone
 * @link: list.
 * @name: of its device.
 * @number: its number, or 0: any.
 * @internal: the device is the switch's own.
 * @forget: it is not to come, after all.
 */
struct coming {
	TAILQ_ENTRY(coming) link;
	char name[16];
	uint32_t number;
	bool internal;
	bool forget;
};

/* Of the transaction that is under way. */
static TAILQ_HEAD(, going) goings = TAILQ_HEAD_INITIALIZER(goings);
static TAILQ_HEAD(, coming) comings = TAILQ_HEAD_INITIALIZER(comings);

static int port_del(struct sw *sw, const char *name)
{
	int err = dpnl_port_del(&sw->nl, name);

	log_event(LOG_port, err ? LEVEL_WARN : LEVEL_INFO,
		  err ? "a port can't be removed" : "a port was removed",
		  "{s:s,s:s*}", "name", name, "why", err ? sw->nl.err : NULL);
	sw_ports_refresh(sw);
	return err;
}

static int port_make(struct sw *sw, const char *name, bool internal, uint32_t number)
{
	int err = dpnl_port_add(&sw->nl, name, internal, number, sw->pids[0]);

	if (err)
		return err;
	log_event(LOG_port, LEVEL_INFO, "a port was added", "{s:s}", "name", name);
	sw_ports_refresh(sw);
	return 0;
}

static void add_undo(struct sw *sw, void *name)
{
	port_del(sw, name);
	free(name);
}

static int port_add(struct sw *sw, const char *name, bool internal,
		    uint32_t number, char *err, size_t size)
{
	char *copy = strdup(name);

	snprintf(err, size, "out of memory");
	if (!copy)
		return -1;
	if (port_make(sw, name, internal, number)) {
		snprintf(err, size, "can't add %s: %s", name, sw->nl.err);
		free(copy);
		return -1;
	}
	return txn_add(sw, add_undo, txn_free, copy);
}

static struct going *going_find(const char *name)
{
	struct going *g;

	TAILQ_FOREACH(g, &goings, link)
		if (!strcmp(g->name, name))
			return g;
	return NULL;
}

static struct coming *coming_find(const char *name)
{
	struct coming *c;

	TAILQ_FOREACH(c, &comings, link)
		if (!c->forget && !strcmp(c->name, name))
			return c;
	return NULL;
}

/* A number that no port has, or is to have. */
static uint32_t number_free(const struct sw *sw)
{
	const struct coming *c;
	uint32_t number = 0;
	unsigned int i;
	bool taken;

	do {
		number++;
		taken = false;
		for (i = 0; i < sw->n_ports; i++)
			taken |= sw->ports[i] == number;
		TAILQ_FOREACH(c, &comings, link)
			taken |= !c->forget && c->number == number;
	} while (taken);
	return number;
}

/*
 * The number of the port that has a name: as it is now, or will be when the batch is
 * over; in a configuration only of those that it has named.  From now on it is that.
 */
bool sw_port_named(const char *name, uint32_t *number, void *arg)
{
	struct coming *c = coming_find(name);
	const struct sw *sw = arg;
	unsigned int i;

	if (c) {
		if (!c->number)
			c->number = number_free(sw);
		*number = c->number;
		return true;
	}
	if (going_find(name))
		return false;
	for (i = 0; i < sw->n_ports; i++) {
		if (strcmp(sw->port_names[i], name))
			continue;
		*number = sw->ports[i];
		if (*number == LOCAL_PORT)
			return true;
		if (!config_has(sw, "port", name))
			return false;
		config_wants_port(sw, name, *number);
		return true;
	}
	return false;
}

static void going_undo(struct sw *sw, void *arg)
{
	struct going *g = arg;

	TAILQ_REMOVE(&goings, g, link);
	if (g->gone && port_make(sw, g->name, g->internal, g->number))
		log_event(LOG_port, LEVEL_WARN, "a port that was removed can't be made again",
			  "{s:s,s:s}", "name", g->name, "why", sw->nl.err);
	free(g);
}

static void going_keep(struct sw *sw, void *arg)
{
	struct going *g = arg;

	TAILQ_REMOVE(&goings, g, link);
	if (!g->gone)
		port_del(sw, g->name);
	free(g);
}

static const char *port_name(const json_t *port)
{
	return json_string_value(json_object_get(port, "name"));
}

static uint32_t port_number(const json_t *port)
{
	return json_integer_value(json_object_get(port, "port"));
}

static bool port_internal(const json_t *port)
{
	return json_integer_value(json_object_get(port, "type")) == OVS_VPORT_TYPE_INTERNAL;
}

/* A port, as ports_describe() tells of it, is to go.  Return: NULL without memory. */
static struct going *port_leaves(struct sw *sw, const json_t *port)
{
	struct going *g = going_find(port_name(port));

	if (g)
		return g;
	g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	snprintf(g->name, sizeof(g->name), "%s", port_name(port));
	g->number = port_number(port);
	g->internal = port_internal(port);
	TAILQ_INSERT_TAIL(&goings, g, link);
	return txn_add(sw, going_undo, going_keep, g) ? NULL : g;
}

static void coming_free(struct sw *sw, void *arg)
{
	struct coming *c = arg;

	(void)sw;
	TAILQ_REMOVE(&comings, c, link);
	free(c);
}

/* A port waits for others to go.  Return: 0, or -1 without memory. */
static int port_waits(struct sw *sw, const char *name, bool internal, uint32_t number)
{
	struct coming *c = calloc(1, sizeof(*c));

	if (!c)
		return -1;
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->internal = internal;
	c->number = number;
	TAILQ_INSERT_TAIL(&comings, c, link);
	return txn_add(sw, coming_free, coming_free, c);
}

/**
 * struct wish - a port that a line of a batch wants
 * @name: of its device.
 * @number: its number, or 0: any.
 * @internal: the device is to be the switch's own.
 * @named: the configuration has named it before.
 */
struct wish {
	const char *name;
	uint32_t number;
	bool internal;
	bool named;
};

/* Whether a port has the device or the number that another one is to have. */
static bool is_in_the_way(const json_t *port, const struct wish *w)
{
	/* Port 0 is the datapath's own. */
	return port_number(port) && (!strcmp(port_name(port), w->name) ||
				     (w->number && port_number(port) == w->number));
}

/* Whether it may be made to go.  What the file has named with a number stays. */
static bool gives_way(struct sw *sw, const json_t *port, const struct wish *w)
{
	uint32_t number;

	if (going_find(port_name(port)))
		return true;
	if (!config_is_loading(sw))
		return false;
	if (!strcmp(port_name(port), w->name))
		return !w->named;
	return !config_has_port(sw, port_name(port), &number) || !number;
}

/* Make one go.  If any number is right for it, it comes back. */
static int send_away(struct sw *sw, const json_t *port, const struct wish *w)
{
	const char *name = port_name(port);
	bool was = going_find(name);
	struct going *g = port_leaves(sw, port);
	uint32_t number;

	if (!g)
		return -1;
	g->first = true;
	if (was || !strcmp(name, w->name) || !config_has_port(sw, name, &number))
		return 0;
	return port_waits(sw, name, g->internal, 0);
}

/* Return: 0, 1 if the port has to wait for others that go, or -1 without memory. */
static int make_way(struct sw *sw, const struct wish *w)
{
	json_t *ports = ports_describe(sw), *port;
	/* What takes any number leaves others theirs. */
	int ret = !w->number && !TAILQ_EMPTY(&comings);
	size_t i;

	json_array_foreach(ports, i, port) {
		if (is_in_the_way(port, w) && !gives_way(sw, port, w)) {
			ret = 0;	/* the datapath says why not */
			goto out;
		}
	}
	json_array_foreach(ports, i, port) {
		if (!is_in_the_way(port, w))
			continue;
		ret = 1;
		if (send_away(sw, port, w)) {
			ret = -1;
			break;
		}
	}
out:
	json_decref(ports);
	return ret;
}

/* Add a port in a batch. */
static int batch_add(struct sw *sw, const struct wish *w, char *err, size_t size)
{
	struct coming *c;
	int wait;

	TAILQ_FOREACH(c, &comings, link) {
		bool same = !strcmp(c->name, w->name);

		if (c->forget || (!same && (!w->number || c->number != w->number)))
			continue;
		if (same && w->named && (!w->number || c->number == w->number) &&
		    c->internal == w->internal)
			return 0;
		if (same)
			snprintf(err, size, "can't add %s: it is a port", w->name);
		else
			snprintf(err, size, "can't add %s: %u is the number of %s", w->name,
				 w->number, c->name);
		return -1;
	}
	wait = make_way(sw, w);
	if (!wait)
		return port_add(sw, w->name, w->internal, w->number, err, size);
	if (wait > 0 && !port_waits(sw, w->name, w->internal, w->number))
		return 0;
	snprintf(err, size, "out of memory");
	return -1;
}

/**
 * ports_settle - what was in the way goes, and what has waited for that comes
 * @sw: the switch, at the end of a batch, which is to be undone if this fails.
 * @err: why not, if it fails.
 * @size: its room.
 *
 * Return: 0 or -1.
 */
int ports_settle(struct sw *sw, char *err, size_t size)
{
	struct coming *c;
	struct going *g;
	unsigned int any;

	TAILQ_FOREACH(g, &goings, link) {
		if (!g->first || g->gone)
			continue;
		if (port_del(sw, g->name)) {
			snprintf(err, size, "can't delete %s: %s", g->name, sw->nl.err);
			return -1;
		}
		g->gone = true;
	}
	for (any = 0; any < 2; any++) {
		TAILQ_FOREACH(c, &comings, link)
			if (!c->forget && (c->number == 0) == any &&
			    port_add(sw, c->name, c->internal, c->number, err, size))
				return -1;
	}
	return 0;
}

/* The port of a device.  Return: what is known of it, or NULL. */
static json_t *port_find(struct sw *sw, const char *name)
{
	json_t *ports = ports_describe(sw), *port, *found = NULL;
	size_t i;

	json_array_foreach(ports, i, port)
		if (!strcmp(port_name(port), name))
			found = json_incref(port);
	json_decref(ports);
	return found;
}

/* In a configuration, a port that is there as it is wanted stays. */
static bool port_is_there(struct sw *sw, const struct wish *w)
{
	json_t *port = port_find(sw, w->name);
	bool is = port && (!w->number || port_number(port) == w->number) &&
		  port_internal(port) == w->internal && !going_find(w->name);

	json_decref(port);
	return is;
}

/* port add DEVICE [NUMBER] [internal] */
int cmd_port_add(struct sw *sw, const struct args *a, struct reply *r)
{
	struct wish w = {
		.name = args_get(a, "DEVICE"), .number = args_number(a, "NUMBER", 0),
		.internal = args_has(a, "internal"),
	};
	uint32_t number;
	int err;

	if (strlen(w.name) >= IFNAMSIZ)
		return reply_fail(r, "can't add %s: a device's name has at most %d characters",
				  w.name, IFNAMSIZ - 1);
	w.named = config_has_port(sw, w.name, &number);
	/* A number that a rule has taken it by stays. */
	if (config_wants_port(sw, w.name, w.number ? w.number : number) &&
	    port_is_there(sw, &w))
		return 0;
	if (txn_in_batch(sw))
		err = batch_add(sw, &w, r->err, sizeof(r->err));
	else
		err = port_add(sw, w.name, w.internal, w.number, r->err, sizeof(r->err));
	r->failed |= err != 0;
	return err;
}

/* In a batch. */
static int batch_del(struct sw *sw, const char *name, struct reply *r)
{
	json_t *port = port_find(sw, name);
	struct coming *c = coming_find(name);
	int err = 0;

	if (c)
		c->forget = true;
	else if (!port || going_find(name))
		err = reply_fail(r, "can't delete %s: there is no such port", name);
	else if (!port_number(port))
		err = reply_fail(r, "can't delete %s: it is the datapath's own", name);
	else if (!port_leaves(sw, port))
		err = reply_fail(r, "out of memory");
	json_decref(port);
	return err;
}

/* port del DEVICE */
int cmd_port_del(struct sw *sw, const struct args *a, struct reply *r)
{
	const char *name = args_get(a, "DEVICE");

	if (txn_in_batch(sw))
		return batch_del(sw, name, r);
	return port_del(sw, name) ? reply_fail(r, "can't delete %s: %s", name, sw->nl.err) : 0;
}

/**
 * ports_remove_unnamed - the ports that a configuration has not named go
 * @sw: the switch, at the end of its transaction.
 * @err: a sentence, if it fails.
 * @size: its room.
 *
 * Return: 0 or -1.
 */
int ports_remove_unnamed(struct sw *sw, char *err, size_t size)
{
	json_t *ports = ports_describe(sw), *port;
	uint32_t number;
	size_t i;
	int ret = 0;

	if (!ports) {
		snprintf(err, size, "%s", sw->nl.err);
		return -1;
	}
	snprintf(err, size, "out of memory");
	json_array_foreach(ports, i, port)
		/* Port 0 is the datapath's own. */
		if (port_number(port) && !config_has_port(sw, port_name(port), &number) &&
		    !port_leaves(sw, port))
			ret = -1;
	json_decref(ports);
	return ret;
}
