// SPDX-License-Identifier: GPL-2.0-or-later
/* The log; see log.h.  Any thread may write to it. */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define BURST 10

static const char *const level_names[] = { "OFF", "EMER", "ERR", "WARN", "INFO",
					   "DBG" };
static const int priorities[] = { 0, LOG_EMERG, LOG_ERR, LOG_WARNING, LOG_INFO,
				  LOG_DEBUG };
static const char *const place_names[] = { "console", "syslog", "file" };

#define LOG_NAME(name) #name,
static const char *const module_names[] = { LOG_MODULES(LOG_NAME) };
#undef LOG_NAME

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct log_levels levels;
static bool as_json, journal;
static unsigned long n_written;
static char *path;
static int file = -1;
static unsigned long n_lost;	/* that the file could not take, one after the other */

/**
 * log_start - begin
 * @name: of the program.
 * @json: write JSON, an object a line, rather than text.
 */
void log_start(const char *name, bool json)
{
	unsigned int m;

	for (m = 0; m < N_LOG_MODULES; m++) {
		levels.level[m][PLACE_CONSOLE] = LEVEL_INFO;
		levels.level[m][PLACE_SYSLOG] = LEVEL_OFF;
		levels.level[m][PLACE_FILE] = LEVEL_INFO;
	}
	as_json = json;
	journal = getenv("JOURNAL_STREAM");
	openlog(name, LOG_PID, LOG_DAEMON);
}

/**
 * log_open - write to a file as well
 * @name: its path.
 *
 * Return: 0 or a negative errno.
 */
int log_open(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

	if (fd < 0)
		return -errno;
	pthread_mutex_lock(&lock);
	if (file >= 0)
		close(file);
	file = fd;
	if (path != name) {
		free(path);
		path = strdup(name);
	}
	pthread_mutex_unlock(&lock);
	return 0;
}

/* Open the file anew, after it was renamed.  Return: 0 or a negative errno. */
int log_reopen(void)
{
	return path ? log_open(path) : 0;
}

const char *log_module_name(enum log_module module)
{
	return module_names[module];
}

/* What log_parse() takes for a destination. */
const char *log_place_word(enum log_place place)
{
	return place_names[place];
}

/* Likewise for a level. */
const char *log_level_word(enum log_level level)
{
	return level_names[level];
}

const char *log_level_name(enum log_module module, enum log_place place)
{
	return level_names[levels.level[module][place]];
}

static void print_text(FILE *out, const json_t *fields)
{
	const char *key, *sep = ": ";
	json_t *v;

	json_object_foreach((json_t *)fields, key, v) {
		char *text = json_is_string(v) ? NULL :
			     json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);

		fprintf(out, "%s%s=%s", sep, key, text ? text :
			json_is_string(v) ? json_string_value(v) : "");
		free(text);
		sep = " ";
	}
}

/* A line, without its end; what would break it is made harmless. */
static char *format(enum log_module module, enum log_level level,
		    const char *what, json_t *fields)
{
	char stamp[40], *text = NULL, *p;
	struct timespec ts;
	struct tm tm;
	size_t size, n;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	clock_gettime(CLOCK_REALTIME, &ts);
	n = strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S",
		     gmtime_r(&ts.tv_sec, &tm));
	snprintf(stamp + n, sizeof(stamp) - n, ".%03ldZ", ts.tv_nsec / 1000000);
	n_written++;
	if (as_json) {
		json_t *o = json_pack("{s:s,s:i,s:s,s:s,s:s}", "time", stamp,
				      "seq", (int)n_written, "module",
				      module_names[module], "level",
				      level_names[level], "message", what);

		if (o && fields)
			json_object_update_missing(o, fields);
		if (o)
			json_dumpf(o, out, JSON_COMPACT);
		json_decref(o);
	} else {
		fprintf(out, "%s|%05lu|%s|%s|%s", stamp, n_written,
			module_names[module], level_names[level], what);
		print_text(out, fields);
	}
	fclose(out);
	for (p = text; p && *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	return text;
}

/* Write a line to the file, or nothing of it. */
static bool file_write(const char *text)
{
	off_t end = lseek(file, 0, SEEK_END);
	char *line = NULL;
	int len = asprintf(&line, "%s\n", text);
	ssize_t n = len > 0 ? write(file, line, len) : -1;
	int err = n >= 0 ? ENOSPC : errno;

	free(len > 0 ? line : NULL);
	if (n == len)
		return true;
	/* The next line must not become a part of this one. */
	if (n > 0 && end >= 0 && ftruncate(file, end))
		n = -1;
	errno = err;
	return false;
}

static char *format_lost(enum log_level level, const char *what, json_t *fields)
{
	char *text = format(LOG_main, level, what, fields);

	json_decref(fields);
	return text;
}

/* A full disk is told of on the console, once; what is missing, in the file later. */
static void to_file(const char *text)
{
	char *lost = NULL;

	if (n_lost)
		lost = format_lost(LEVEL_WARN, "messages are missing here: there was no room for them",
				   json_pack("{s:i}", "number", (int)n_lost));
	if ((!lost || file_write(lost)) && file_write(text)) {
		n_lost = 0;
	} else if (!n_lost++) {
		free(lost);
		lost = format_lost(LEVEL_WARN, "the log file can't be written",
				   json_pack("{s:s}", "why", strerror(errno)));
		fprintf(stderr, "%s\n", lost ? lost : "");
	}
	free(lost);
}

/**
 * log_event - write to the log
 * @module: whose it is.
 * @level: how bad it is.
 * @what: a sentence.
 * @fmt: of an object with further values, as json_pack() has it; or NULL.
 */
void log_event(enum log_module module, enum log_level level, const char *what,
	       const char *fmt, ...)
{
	const uint8_t *max = levels.level[module];
	json_t *fields = NULL;
	json_error_t err;
	va_list args;
	char *text;

	if (level > max[0] && level > max[1] && (level > max[2] || file < 0))
		return;
	if (fmt) {
		va_start(args, fmt);
		fields = json_vpack_ex(&err, 0, fmt, args);
		va_end(args);
	}
	pthread_mutex_lock(&lock);
	text = format(module, level, what, fields);
	if (text && level <= max[PLACE_CONSOLE]) {
		if (journal)
			fprintf(stderr, "<%d>", priorities[level]);
		fprintf(stderr, "%s\n", text);
	}
	if (text && level <= max[PLACE_SYSLOG])
		syslog(priorities[level], "%s", text);
	if (text && file >= 0 && level <= max[PLACE_FILE])
		to_file(text);
	pthread_mutex_unlock(&lock);
	free(text);
	json_decref(fields);
}

/* Whether a message may be written; tells how many were not before it. */
bool log_allowed(struct log_limit *limit, unsigned int *dropped)
{
	struct timespec ts;
	int64_t more;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	more = ts.tv_sec - limit->since;
	if (more > 0) {
		limit->since = ts.tv_sec;
		limit->tokens = limit->tokens + more > BURST ?
				BURST : limit->tokens + more;
	}
	*dropped = limit->dropped;
	if (!limit->tokens) {
		limit->dropped++;
		return false;
	}
	limit->tokens--;
	limit->dropped = 0;
	return true;
}

static int find(const char *const *names, int n, const char *word)
{
	int i;

	for (i = 0; i < n; i++)
		if (!strcasecmp(names[i], word))
			return i;
	return -1;
}

void log_get_levels(struct log_levels *l)
{
	*l = levels;
}

void log_set_levels(const struct log_levels *l)
{
	levels = *l;
}

/**
 * log_parse - read a change of what is logged
 * @l: changed.
 * @spec: MODULE:DESTINATION:LEVEL, in any order, any of them left out.
 * @err: a sentence that names the wrong word, if it fails.
 * @size: its room.
 *
 * Return: 0, or -1: nothing has changed.
 */
int log_parse(struct log_levels *l, const char *spec, char *err, size_t size)
{
	int module = -1, place = -1, level = LEVEL_DBG, i, m, p;
	char buf[128], *word, *save;

	if (strlen(spec) >= sizeof(buf)) {
		snprintf(err, size, "\"%.40s...\" is too long", spec);
		return -1;
	}
	strcpy(buf, spec);
	for (word = strtok_r(buf, " ,:", &save); word;
	     word = strtok_r(NULL, " ,:", &save)) {
		if ((i = find(module_names, N_LOG_MODULES, word)) >= 0)
			module = i;
		else if ((i = find(place_names, N_PLACES, word)) >= 0)
			place = i;
		else if ((i = find(level_names, N_LEVELS, word)) >= 0)
			level = i;
		else if (strcasecmp(word, "any")) {
			snprintf(err, size, "\"%s\" is neither a module, a destination nor a level",
				 word);
			return -1;
		}
	}
	for (m = 0; m < N_LOG_MODULES; m++)
		for (p = 0; p < N_PLACES; p++)
			if ((module < 0 || m == module) && (place < 0 || p == place))
				l->level[m][p] = level;
	return 0;
}

/* The same, of what is logged from now on. */
int log_set(const char *spec, char *err, size_t size)
{
	return log_parse(&levels, spec, err, size);
}
