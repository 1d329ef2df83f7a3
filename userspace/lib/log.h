/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log: a sentence and named values, by modules and levels, to the console, to
 * syslog and to a file; as text, or as a JSON object a line.
 */
#ifndef LOG_H
#define LOG_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LEVEL_OFF, LEVEL_EMER, LEVEL_ERR, LEVEL_WARN, LEVEL_INFO,
		 LEVEL_DBG, N_LEVELS };

#define LOG_MODULES(X)							\
	X(main) X(config) X(control) X(datapath) X(flow) X(metrics)	\
	X(port) X(prog) X(rule) X(upcall)

#define LOG_ENUM(name) LOG_##name,
enum log_module { LOG_MODULES(LOG_ENUM) N_LOG_MODULES };
#undef LOG_ENUM

enum log_place { PLACE_CONSOLE, PLACE_SYSLOG, PLACE_FILE, N_PLACES };

/**
 * struct log_limit - what keeps traffic from filling the log
 * @tokens: messages that may still be written.
 * @since: when that was, in seconds.
 * @dropped: messages that were not.
 */
struct log_limit {
	unsigned int tokens;
	int64_t since;
	unsigned int dropped;
};

/**
 * struct log_levels - what is logged where
 * @level: of each module, to each place: &enum log_level, and what is worse.
 */
struct log_levels {
	uint8_t level[N_LOG_MODULES][N_PLACES];
};

void log_start(const char *name, bool json);
int log_open(const char *path);
int log_reopen(void);
void log_event(enum log_module module, enum log_level level, const char *what,
	       const char *fmt, ...);
bool log_allowed(struct log_limit *limit, unsigned int *dropped);
void log_get_levels(struct log_levels *l);
void log_set_levels(const struct log_levels *l);
int log_parse(struct log_levels *l, const char *spec, char *err, size_t size);
int log_set(const char *spec, char *err, size_t size);

const char *log_module_name(enum log_module module);
const char *log_place_word(enum log_place place);
const char *log_level_word(enum log_level level);
const char *log_level_name(enum log_module module, enum log_place place);

/* As log_event(), at most 10 at once and one a second. */
#define log_often(module, level, ...)					\
	do {								\
		static struct log_limit limit_ = { .tokens = 10 };	\
		unsigned int dropped_;					\
									\
		if (log_allowed(&limit_, &dropped_)) {			\
			if (dropped_)					\
				log_event(module, level,		\
					  "messages were left out",	\
					  "{s:i}", "number", dropped_);	\
			log_event(module, level, __VA_ARGS__);		\
		}							\
	} while (0)

#endif
