/* Each word works alone, as root, while the daemon is down: a host that cannot start its agent can still be told. */
#include "commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/base/clock.h"
#include "../common/base/file.h"
#include "../common/net/wait.h"
#include "consult.h"
#include "delivery.h"
#include "export.h"
#include "state.h"

#define INPUT_LIMIT_MS 15000
#define REASON_MAX 200

static int say_failure(const struct err *e, int status)
{
	const char *kind = err_code_class(e->code) == ERR_CLASS_LOCAL ? "failed" : "refused";
	fprintf(stderr, "%s: %s\n", kind, e->text);
	return status;
}

static enum err_code read_rights(const struct agent_config *c, const char *boot_id, struct rights_record *r,
				 bool *present, bool *confirmed, struct err *e)
{
	enum err_code rc = state_read(c->state_dir, r, present, e);
	*confirmed = rc == ERR_OK && *present && state_confirmed(c->state_dir, boot_id, r->epoch);
	return rc;
}

/* Whoever holds a right by its record may have lost it while it was away, and a primary may have won one. Silence is no
 * reason to refuse. A standby without a right waits for its grant, whoever says what. */
static bool must_ask(const struct agent_config *c, const struct rights_record *r, bool present, bool confirmed)
{
	bool concerned = c->role == RIGHTS_PRIMARY || (present && r->accept & RIGHTS_BIT(c->role));
	return !confirmed && concerned && c->gate_wait_ms && consult_possible(c);
}

enum err_code command_decide(const struct agent_config *c, struct rights_answer *may, struct err *e)
{
	char boot_id[RIGHTS_BOOT_ID_SIZE];
	struct rights_record r;
	bool present, confirmed;
	memset(may, 0, sizeof(*may));
	enum err_code rc = state_boot_id(boot_id, e);
	if (rc == ERR_OK)
		rc = read_rights(c, boot_id, &r, &present, &confirmed, e);
	if (rc == ERR_OK && must_ask(c, &r, present, confirmed)) {
		struct consult consult = { c, boot_id, NULL, -1 };
		consult_all(&consult, clock_boot_ms() + c->gate_wait_ms);
		rc = read_rights(c, boot_id, &r, &present, &confirmed, e);
	}
	if (rc != ERR_OK)
		return rc;
	struct rights_site site = { .role = c->role,
				    .boot_id = boot_id,
				    .now_s = clock_wall_ms() / 1000,
				    .confirmed = confirmed,
				    .policy = c->policy };
	rights_decide(present ? &r : NULL, &site, may);
	return ERR_OK;
}

int command_gate(const struct agent_config *c)
{
	struct rights_answer may;
	struct err e = { 0 };
	if (command_decide(c, &may, &e) != ERR_OK)
		return say_failure(&e, EXIT_GATE_ERROR);
	bool waits = delivery_must_wait(c, &may);
	if (may.may_accept && delivery_set(c, waits, &e) != ERR_OK) {
		if (waits)
			return say_failure(&e, EXIT_GATE_ERROR);
		/* held mail can wait, refused mail is gone: an owner starts, whatever ails its settings */
		fprintf(stderr, "gate: delivery stays held: %s\n", e.text);
	}
	fprintf(stderr, "gate: %s%s\n", may.why, waits ? "; delivery is held" : "");
	return may.may_accept || may.may_rehearse ? EXIT_SUCCESS : EXIT_FAILURE;
}

int command_gate_own(const struct agent_config *c)
{
	struct rights_answer may;
	struct err e = { 0 };
	if (command_decide(c, &may, &e) != ERR_OK)
		return say_failure(&e, EXIT_GATE_ERROR);
	fprintf(stderr, "gate-own: %s\n", may.why);
	return may.may_own || may.may_rehearse ? EXIT_SUCCESS : EXIT_FAILURE;
}

static enum err_code read_input(struct strbuf *out, struct err *e)
{
	char bytes[RIGHTS_BYTES_MAX + 1];
	int64_t deadline_ms = clock_boot_ms() + INPUT_LIMIT_MS;
	while (out->len <= RIGHTS_BYTES_MAX) {
		enum err_code rc = net_wait(STDIN_FILENO, NET_WAIT_READ, deadline_ms, -1, e);
		if (rc != ERR_OK)
			return err_wrap(e, "standard input");
		ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));
		if (n < 0 && errno != EINTR)
			return err_set_errno(e, ERR_LOCAL, errno, "standard input");
		if (n == 0)
			break;
		if (n > 0)
			strbuf_add(out, bytes, (size_t)n);
	}
	return ERR_OK;
}

static enum err_code read_record(const char *path, struct rights_record *r, struct err *e)
{
	struct strbuf text = STRBUF_INIT;
	char *bytes = NULL;
	size_t len = 0;
	enum err_code rc;
	if (strcmp(path, "-") == 0) {
		rc = read_input(&text, e);
	} else {
		rc = file_read(path, RIGHTS_BYTES_MAX, FILE_ANY, &bytes, &len, e);
		if (rc == ERR_OK)
			strbuf_add(&text, bytes, len);
		free(bytes);
	}
	if (rc == ERR_OK)
		rc = rights_parse(strbuf_str(&text), text.len, r, e);
	strbuf_fini(&text);
	return rc;
}

int command_grant(const struct agent_config *c, const char *path)
{
	char boot_id[RIGHTS_BOOT_ID_SIZE];
	struct rights_record r;
	struct err e = { 0 };
	enum err_code rc = read_record(path, &r, &e);
	if (rc == ERR_OK && strcmp(r.pair, c->pair) != 0)
		rc = err_set(&e, ERR_INVALID, "the record is of pair %s; this host belongs to pair %s", r.pair,
			     c->pair);
	if (rc == ERR_OK)
		rc = state_boot_id(boot_id, &e);
	if (rc == ERR_OK)
		rc = state_store(c->state_dir, &r, boot_id, &e);
	if (rc != ERR_OK)
		return say_failure(&e, EXIT_FAILURE);
	printf("epoch=%" PRIu64 "\n", r.epoch);
	return EXIT_SUCCESS;
}

int command_break_glass(const struct agent_config *c, const char *reason)
{
	struct rights_record r;
	bool present;
	struct err e = { 0 };
	size_t len = strlen(reason);
	for (const char *p = reason; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			len = 0;
	if (len == 0 || len > REASON_MAX) {
		fprintf(stderr, "refused: --reason takes one line of at most %d bytes\n", REASON_MAX);
		return EXIT_USAGE;
	}
	if (state_break_glass(c->state_dir, c->pair, c->role, reason, &e) != ERR_OK ||
	    state_read(c->state_dir, &r, &present, &e) != ERR_OK)
		return say_failure(&e, EXIT_FAILURE);
	fprintf(stderr,
		"warning: this host owns its pair's mail until a record above epoch %" PRIu64 " comes. "
		"Make sure that the other host is off.\n",
		r.epoch);
	printf("epoch=%" PRIu64 "\n", r.epoch);
	return EXIT_SUCCESS;
}

int command_rights(const struct agent_config *c)
{
	struct rights_answer may;
	struct rights_record r;
	bool present;
	struct err e = { 0 };
	if (state_read(c->state_dir, &r, &present, &e) != ERR_OK || command_decide(c, &may, &e) != ERR_OK)
		return say_failure(&e, EXIT_FAILURE);
	printf("epoch=%" PRIu64 "\nholder=%s\nown=%s\naccept=%s\n", present ? r.epoch : 0, rights_place_name(c->role),
	       present ? rights_place_name(r.own) : "none", rights_accept_name(present ? r.accept : 0));
	if (may.may_rehearse)
		printf("rehearse=yes\n");
	return EXIT_SUCCESS;
}

int command_boot_order(const struct agent_config *c, const char *nonce)
{
	char boot_id[RIGHTS_BOOT_ID_SIZE];
	struct err e = { 0 };
	if (!state_order_ok(nonce)) {
		fprintf(stderr, "refused: a nonce has %d to %d letters, digits and -\n", STATE_ORDER_MIN,
			STATE_ORDER_MAX);
		return EXIT_USAGE;
	}
	if (state_boot_id(boot_id, &e) != ERR_OK || state_note_boot(c->state_dir, boot_id, nonce, &e) != ERR_OK)
		return say_failure(&e, EXIT_FAILURE);
	printf("boot_id=%s\n", boot_id);
	return EXIT_SUCCESS;
}

int command_boots(const struct agent_config *c)
{
	struct strbuf text = STRBUF_INIT;
	struct err e = { 0 };
	if (state_boots(c->state_dir, &text, &e) != ERR_OK)
		return say_failure(&e, EXIT_FAILURE);
	fputs(strbuf_str(&text), stdout);
	strbuf_fini(&text);
	return EXIT_SUCCESS;
}

int command_maps_export(const struct agent_config *c)
{
	struct strbuf bundle = STRBUF_INIT;
	struct err e = { 0 };
	int status = EXIT_SUCCESS;
	if (export_maps(c, &bundle, &e) != ERR_OK)
		status = say_failure(&e, EXIT_FAILURE);
	else if (fwrite(bundle.data, 1, bundle.len, stdout) != bundle.len || fflush(stdout) != 0)
		status = EXIT_FAILURE;
	strbuf_fini(&bundle);
	return status;
}
