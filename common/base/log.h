/*
 * Purpose:   log lines with a journald priority prefix on standard error, pluggable for tests.
 * Not its job: deciding. Only the layer that decides logs; core and step never include this.
 * Thread:    any; one write(2) a line.   Errors: none (a lost line is lost).
 */
#ifndef COLDMX_LOG_H
#define COLDMX_LOG_H

#include "attr.h"

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARN = 4, LOG_LEVEL_NOTE = 5, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

typedef void log_sink(void *arg, enum log_level level, const char *line);

void log_set_level(enum log_level most_verbose);
void log_set_sink(log_sink *sink, void *arg); /* NULL: standard error */

/* `component` is a short word ("dns", "pair mail-a"); the line becomes "component: text". */
void log_line(enum log_level level, const char *component, const char *fmt, ...) PRINTF_LIKE(3, 4);

#define log_error(component, ...) log_line(LOG_LEVEL_ERROR, component, __VA_ARGS__)
#define log_warn(component, ...) log_line(LOG_LEVEL_WARN, component, __VA_ARGS__)
#define log_note(component, ...) log_line(LOG_LEVEL_NOTE, component, __VA_ARGS__)
#define log_info(component, ...) log_line(LOG_LEVEL_INFO, component, __VA_ARGS__)
#define log_debug(component, ...) log_line(LOG_LEVEL_DEBUG, component, __VA_ARGS__)

#endif
