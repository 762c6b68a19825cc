/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Messages for people, on standard error; with the journal's priorities where it reads. */
#ifndef SIVD_LOG_H
#define SIVD_LOG_H

/* log_begin() - @name stands before each line on a terminal. */
void log_begin(const char *name);
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif /* SIVD_LOG_H */
