/*
 * Purpose:   cuts an SMTP server's bytes into reply lines and finds the end of a reply.
 * Not its job: what a code means (smtp.h).
 * Thread:    any (one owner).   Ownership: flat, allocates nothing.
 * Errors:    SMTP_REPLY_BAD with words in `bad`; the parser stays there until reset.
 */
#ifndef COLDMX_SMTP_REPLY_H
#define COLDMX_SMTP_REPLY_H

#include <stddef.h>
#include <stdint.h>

#define SMTP_LINE_KEPT 256     /* bytes of a line that are kept for words and keywords */
#define SMTP_LINE_BYTES 4096   /* RFC 5321 4.5.3.1.5 says 512; senders bear more, so do we */
#define SMTP_REPLY_BYTES 65536 /* all lines of one reply */

enum smtp_reply_rc {
	SMTP_REPLY_MORE, /* all bytes used, no line ended */
	SMTP_REPLY_LINE, /* a line ended, its reply goes on */
	SMTP_REPLY_LAST, /* the reply is complete */
	SMTP_REPLY_BAD,
};

struct smtp_reply {
	int code;                  /* of the line that ended last; 0 before */
	uint32_t lines;            /* that ended */
	uint32_t bytes;            /* of the whole reply */
	uint32_t line_bytes;       /* of the line under way */
	const char *bad;           /* NULL, or what is wrong */
	char line[SMTP_LINE_KEPT]; /* NUL-terminated, without CRLF, once the line ended; raw bytes */
};

void smtp_reply_reset(struct smtp_reply *reply);
/* RFC 5321 4.2.1 (multi-line replies, equal codes), 4.2 (code alone is legal). Stops after each line
 * end; *used says how many bytes it took, at least one unless len is 0 or the reply is bad. */
enum smtp_reply_rc smtp_reply_feed(struct smtp_reply *reply, const char *bytes, size_t len, size_t *used);
/* The text behind the code of the line that ended last; never NULL. */
const char *smtp_reply_text(const struct smtp_reply *reply);

#endif
