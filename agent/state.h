/*
 * Purpose:   what an agent keeps on disk: the rights record, its confirmation in this boot, the boots.
 * Not its job: deciding (common/rights.h), asking the controller (client.h).
 * Thread:    any, and several processes: `gate` and `grant` run as root beside the daemon. What reads and
 *            writes holds an flock on the folder, for which it waits 10 s at most. Blocks on the disk.
 * Ownership: `state_boots` text is the caller's strbuf.
 * Errors:    ERR_LOCAL, ERR_DENIED (disk, lock), ERR_INVALID (a file of the folder is damaged), those of
 *            rights_accept_new.
 */
#ifndef COLDMX_AGENT_STATE_H
#define COLDMX_AGENT_STATE_H

#include "../common/rights.h"

#define STATE_ORDER_MIN 8
#define STATE_ORDER_MAX 64

enum err_code state_boot_id(char out[RIGHTS_BOOT_ID_SIZE], struct err *e) NODISCARD;

/* Makes the file that confirmations go to, so that whoever watches it finds it. */
enum err_code state_prepare(const char *dir, struct err *e) NODISCARD;

/* *present false: there is none yet. */
enum err_code state_read(const char *dir, struct rights_record *out, bool *present, struct err *e) NODISCARD;
/* Stores what the controller said, and that it said so in this boot. Nothing is written when both are known. */
enum err_code state_store(const char *dir, const struct rights_record *r, const char *boot_id, struct err *e) NODISCARD;
/* Stores what the peer or the marker said when its epoch is higher (*raised); nobody has confirmed it then. Errors of
 * rights_learn. */
enum err_code state_learn(const char *dir, enum rights_place me, const struct rights_record *r, bool *raised,
			  struct err *e) NODISCARD;
/* Without a controller: this host owns, RIGHTS_GLASS_LEAP above the stored epoch, until a record with a higher epoch comes.
 * Appends a line to the file `break-glass`. */
enum err_code state_break_glass(const char *dir, const char *pair, enum rights_place role, const char *reason,
				struct err *e) NODISCARD;
/* The glass was broken for the record of this epoch: why. False: it was not. */
bool state_glass(const char *dir, uint64_t epoch, char *reason, size_t size);
/* The controller has said in this boot that this epoch is in force. */
bool state_confirmed(const char *dir, const char *boot_id, uint64_t epoch);

/* ---- boots.c ---- */
/* The present boot, with the order that it was given ("" = none is known; an order stays once known). */
enum err_code state_note_boot(const char *dir, const char *boot_id, const char *order, struct err *e) NODISCARD;
/* The order of this boot, "" = none. */
enum err_code state_boot_order(const char *dir, const char *boot_id, char *out, size_t size, struct err *e) NODISCARD;
/* Lines `boot_id order|- first_seen_ms`, the oldest first; the last 200 are kept. */
enum err_code state_boots(const char *dir, struct strbuf *out, struct err *e) NODISCARD;
bool state_order_ok(const char *order);

/* ---- for both files ---- */
/* *fd is closed by the caller, which gives the lock back. Makes the folder when it is missing. */
enum err_code state_lock(const char *dir, int *fd, struct err *e) NODISCARD;
/* "DIR/NAME" */
void state_path(const char *dir, const char *name, char *out, size_t size);

#endif
