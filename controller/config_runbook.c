/* One row a step; what it cannot do without the controller is said in its place. */
#include "config_runbook.h"

#include <string.h>
#include <time.h>

#include "../common/base/clock.h"

struct runbook {
	const struct config *c;
	const struct config_pair *pair;
	const struct plan *plan;
	const char *path;
	struct strbuf *out;
};

/* In single quotes, whatever is in it. */
static void put_quoted(struct strbuf *out, const char *text)
{
	strbuf_addc(out, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			strbuf_adds(out, "'\\''");
		else
			strbuf_addc(out, *text);
	}
	strbuf_addc(out, '\'');
}

static void put_variable(struct strbuf *out, const char *name, const char *value)
{
	strbuf_addf(out, "%s=", name);
	put_quoted(out, value);
	strbuf_addc(out, '\n');
}

static void put_addresses(struct strbuf *out, const char *name, const char *v4, const char *v6)
{
	strbuf_addf(out, "%s='%s%s%s'\n", name, v4, v4[0] && v6[0] ? " " : "", v6);
}

/* The primary's power is what its first level by command switches; what such a level has not is the primary's own. */
static const struct config_power *power_of(const struct runbook *b, enum host_role role)
{
	const struct config_power *own = &b->pair->host[role].power;
	for (size_t i = 0; role == HOST_PRIMARY && i < b->pair->nfence; i++)
		if (b->pair->fence[i].kind == LEVEL_COMMAND)
			return b->pair->fence[i].power.via[0] ? &b->pair->fence[i].power : own;
	return own;
}

static void put_power(const struct runbook *b, enum host_role role)
{
	const struct config_power *power = power_of(b, role);
	const struct config_power_host *via = power->via[0] ? config_power_host(b->c, power->via) : NULL;
	const char *const words[] = { "on", "off", "status" }, *const commands[] = { power->on, power->off,
										     power->status };
	if (!via) {
		strbuf_addf(b->out, "\t%s-*) echo 'no power command is configured' >&2; return 1 ;;\n",
			    host_role_name(role));
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		strbuf_addf(b->out, "\t%s-%s) remote ", host_role_name(role), words[i]);
		put_quoted(b->out, via->user[0] ? via->user : b->c->global.ssh.user);
		strbuf_addf(b->out, " %d ", via->port);
		put_quoted(b->out, commands[i]);
		strbuf_addf(b->out, " %s%s%s </dev/null ;;\n", via->v4, via->v4[0] && via->v6[0] ? " " : "", via->v6);
	}
}

static void put_head(const struct runbook *b)
{
	const struct config_global *g = &b->c->global;
	struct strbuf *out = b->out;
	char made[32];
	time_t now = (time_t)(clock_wall_ms() / 1000);
	struct tm utc;
	strftime(made, sizeof(made), "%Y-%m-%d %H:%M UTC", gmtime_r(&now, &utc));
	strbuf_addf(out,
		    "#!/bin/bash\n"
		    "# Runbook: %s of pair %s without coldmxd. Made %s from %s; make it anew when that changes.\n"
		    "# Stop coldmxd first, and leave it stopped until the failback by its own runbook is over.\n"
		    "# As root, where these files are:  bash FILE        all steps; it stops at the first that fails\n"
		    "#                                  bash FILE 12     goes on at step 12\n"
		    "#                                  bash FILE list   prints the steps, does nothing\n"
		    "# Nothing is undone by it. Before open-port the world has seen nothing: switch the standby off "
		    "again.\n"
		    "set -u\n\n",
		    plan_kind_name(b->plan->kind), b->pair->name, made, b->path);
	put_variable(out, "PAIR", b->pair->name);
	put_addresses(out, "PRIMARY", b->pair->host[HOST_PRIMARY].v4, b->pair->host[HOST_PRIMARY].v6);
	put_addresses(out, "STANDBY", b->pair->host[HOST_STANDBY].v4, b->pair->host[HOST_STANDBY].v6);
	put_addresses(out, "HERE", g->v4, g->v6);
	put_variable(out, "IDENTITY", g->ssh.identity);
	put_variable(out, "KNOWN_HOSTS", g->ssh.known_hosts);
	put_variable(out, "SSH_USER", g->ssh.user);
	strbuf_addf(out, "SSH_PORT=%d\n", g->ssh.port);
	put_variable(out, "HARDEN_DIR", g->harden_dir);
	put_variable(out, "EHLO_NAME", g->ehlo_name);
	put_variable(out, "KNOWN", b->pair->known_recipient);
	put_variable(out, "UNKNOWN", b->pair->unknown_recipient);
	put_variable(out, "CONFIG", b->path);
	strbuf_adds(out, "MAPS_FILE=");
	put_quoted(out, g->maps_dir);
	strbuf_addf(out, "/%s.maps\nSTRANDED_DIR=", b->pair->name);
	put_quoted(out, g->stranded_dir);
	strbuf_addf(out, "/%s\nstep=0\n\n%s", b->pair->name, runbook_functions);
	strbuf_adds(out, "power() { # HOST on|off|status\n\tcase $1-$2 in\n");
	put_power(b, HOST_PRIMARY);
	put_power(b, HOST_STANDBY);
	strbuf_adds(out, "\tesac\n}\n");
}

/* ---- name servers ---- */

static void put_set(struct strbuf *out, const struct mx_set *set)
{
	strbuf_adds(out, "$'");
	for (size_t i = 0; i < set->count; i++)
		strbuf_addf(out, "%s%u %s.", i ? "\\n" : "", set->mx[i].preference, set->mx[i].target);
	strbuf_adds(out, "'");
}

static void put_shows(const struct runbook *b, size_t zone, const struct mx_set *set, bool everywhere)
{
	const struct config_domain *d = &b->pair->domains[zone];
	size_t n = everywhere ? d->nauthoritative : 0;
	const struct conf_endpoint *at = n ? d->authoritative : d->servers;
	strbuf_addf(b->out, "shows %s ", d->name);
	put_set(b->out, set);
	for (size_t i = 0; i < (n ? n : d->nservers); i++)
		strbuf_addf(b->out, " %s %u", at[i].addr, at[i].port);
}

static void put_records(struct strbuf *out, const char *zone, const struct mx_set *set, bool expected)
{
	for (size_t i = 0; i < set->count; i++) {
		if (expected)
			strbuf_addf(out, "prereq yxrrset %s. IN MX", zone);
		else
			strbuf_addf(out, "update add %s. %u IN MX", zone, (unsigned)set->ttl_s);
		strbuf_addf(out, " %u %s.\n", set->mx[i].preference, set->mx[i].target);
	}
}

/* Any update server will do; a set that is published already is done. */
static void put_swap(const struct runbook *b, size_t zone)
{
	const struct config_domain *d = &b->pair->domains[zone];
	const struct plan_zone *z = &b->plan->site.zones[zone];
	const struct config_tsig *key = d->key[0] ? config_tsig(b->c, d->key) : NULL;
	const char *algorithm = key && key->algorithm == TSIG_HMAC_SHA512 ? "hmac-sha512" : "hmac-sha256";
	strbuf_adds(b->out, "\t");
	put_shows(b, zone, &z->after, false);
	strbuf_adds(b->out, " >/dev/null ||\n");
	for (size_t i = 0; i < d->nservers; i++) {
		strbuf_addf(b->out, "\t\tupdate '%s' %s ", key ? key->name : "", algorithm);
		put_quoted(b->out, key ? key->secret_file : "");
		strbuf_addf(b->out, " %s %u <<<\"$commands\" ||\n", d->servers[i].addr, d->servers[i].port);
	}
	strbuf_addf(b->out, "\t\tstop \"%s: not changed; it must show the old set, and the key must fit\"\n", d->name);
}

static void put_switch_dns(const struct runbook *b)
{
	if (b->plan->site.strategy == DNS_STANDING) {
		strbuf_adds(b->out, "\techo 'both hosts are listed always: nothing to change'\n");
		return;
	}
	for (size_t i = 0; i < b->plan->site.nzones; i++) {
		const struct plan_zone *z = &b->plan->site.zones[i];
		strbuf_adds(b->out, "\tcommands='");
		put_records(b->out, z->name, &z->before, true);
		strbuf_addf(b->out, "update delete %s. IN MX\n", z->name);
		put_records(b->out, z->name, &z->after, false);
		strbuf_adds(b->out, "'\n");
		put_swap(b, i);
	}
}

static void put_verify_dns(const struct runbook *b)
{
	for (size_t i = 0; i < b->plan->site.nzones; i++) {
		strbuf_adds(b->out, "\tuntil_true 60 ");
		put_shows(b, i, &b->plan->site.zones[i].after, true);
		strbuf_addf(b->out, " || stop '%s: not every server shows the new set'\n", b->plan->site.zones[i].name);
	}
}

static void put_guard(const struct runbook *b)
{
	struct strbuf *out = b->out;
	for (size_t i = 0; i < b->plan->site.nzones; i++) {
		strbuf_adds(out, "\t");
		put_shows(b, i, &b->plan->site.zones[i].before, false);
		strbuf_addf(out, " ||\n\t\tstop '%s: another MX set is published: find out who changed it'\n",
			    b->plan->site.zones[i].name);
	}
	if (b->plan->kind == PLAN_PROMOTE)
		strbuf_adds(out, "\tfor address in $PRIMARY; do\n"
				 "\t\t[ \"$(smtp_codes \"$address\")\" = '000 000' ] || stop \"the primary answers at "
				 "$address\"\n"
				 "\tdone\n");
}

/* ---- the other steps ---- */

static void put_controls(const struct runbook *b, bool with_mail)
{
	for (size_t i = 0; i < b->plan->site.ncontrols; i++) {
		const struct plan_control *control = &b->plan->site.control[i];
		if (control->with_mail == with_mail)
			strbuf_addf(b->out, "\tcontrol %s %s\n", control->name, control->block ? "BLOCK" : "SOFT");
	}
}

static void put_maps(const struct runbook *b)
{
	strbuf_addf(b->out,
		    "\tsoft=off\n"
		    "\tfile=$(umask 077; mktemp)\n"
		    "\tif coldmxd -c \"$CONFIG\" --kept-maps \"$PAIR\" >\"$file\" && [ -s \"$file\" ]; then\n"
		    "\t\thost standby maps put <\"$file\" || stop 'the maps cannot be installed'\n"
		    "\t\t[ -n \"$(find \"$MAPS_FILE\" -mmin -%lld)\" ] || soft=on\n"
		    "\telse\n"
		    "\t\twarn 'coldmxd cannot read the kept maps: those of the last time are used'\n"
		    "\t\tsoft=on\n"
		    "\tfi\n"
		    "\trm -f \"$file\"\n"
		    "\t[ -n \"$(answer sha256 standby maps status)\" ] || stop 'no recipient maps: it would refuse "
		    "good mail'\n"
		    "\t[ $soft = off ] || warn 'the maps are old: unknown recipients get 4xx'\n"
		    "\tsay standby mail soft-bounce $soft\n",
		    (long long)(b->pair->maps_max_age_ms / 60000));
}

static void put_limited(const struct runbook *b, enum step_id step, const char *text)
{
	strbuf_addf(b->out, "\tlimit=%lld\n%s", (long long)(plan_step_limit_ms(b->plan, step) / 1000), text);
}

static void put_verify_outside(const struct runbook *b)
{
	put_limited(b, STEP_VERIFY_OUTSIDE, "\tuntil_true $limit verify_outside ");
	strbuf_addf(b->out, "%s || stop 'no 250 and refusal from outside'\n",
		    b->plan->kind == PLAN_PROMOTE ? "standby $STANDBY" : "primary $PRIMARY");
}

static void put_linger(const struct runbook *b)
{
	uint32_t ttl_s = 0;
	for (size_t i = 0; i < b->plan->site.nzones; i++)
		if (b->plan->site.zones[i].before.ttl_s > ttl_s)
			ttl_s = b->plan->site.zones[i].before.ttl_s;
	strbuf_addf(b->out, "\tsleep %lld\n",
		    2 * (long long)ttl_s + (long long)(b->plan->site.linger_margin_ms / 1000));
}

static void put_harden(const struct runbook *b)
{
	put_controls(b, false);
	strbuf_adds(b->out, "\tanswers standby || stop 'hardening locked us out'\n");
}

static void put_verify_local(const struct runbook *b)
{
	strbuf_adds(b->out, "\tsaid=$(say standby verify-local \"$KNOWN\" \"$UNKNOWN\")\n"
			    "\techo \"$said\"\n"
			    "\tgrep -q '^known=250' <<<\"$said\" && grep -q '^unknown=[45]' <<<\"$said\" ||\n"
			    "\t\tstop 'its own dialogue on loopback is not right'\n");
	put_controls(b, true);
}

/* All but the first by command, which the script switches itself: agents and edges are programs of the controller's
 * machine, which a person runs, or does what they do. */
static void put_levels(const struct runbook *b, const char *what)
{
	bool switched = false;
	for (size_t i = 0; i < b->pair->nfence; i++) {
		const struct config_level *l = &b->pair->fence[i];
		if (l->kind == LEVEL_COMMAND && !switched) {
			switched = true;
			continue;
		}
		strbuf_adds(b->out, "\techo ");
		put_quoted(b->out, what);
		strbuf_adds(b->out, "' '");
		put_quoted(b->out, l->name);
		strbuf_adds(b->out, "' '");
		put_quoted(b->out, l->kind == LEVEL_COMMAND ? l->power.off : l->program);
		strbuf_addc(b->out, '\n');
	}
}

static void put_fence(const struct runbook *b)
{
	if (power_of(b, HOST_PRIMARY)->via[0])
		strbuf_adds(b->out,
			    "\tpower primary off\n"
			    "\tuntil_true $limit power_is primary off || warn 'the primary does not read back as "
			    "off'\n");
	put_levels(b, "if the primary still runs, fence it by hand at this level:");
}

static void put_unfence(const struct runbook *b)
{
	if (power_of(b, HOST_PRIMARY)->via[0])
		strbuf_adds(b->out, "\tpower primary on\n");
	put_levels(b, "if it was used, give back by hand what was taken at this level:");
}

static void put_grant(const struct runbook *b)
{
	strbuf_addf(b->out, "\tgrant %s $(($(highest_epoch) + 100)) primary,standby\n",
		    b->plan->kind == PLAN_PROMOTE ? "standby" : "primary");
}

static void put_announce(const struct runbook *b)
{
	strbuf_addf(b->out, "\techo 'done: %s'\n",
		    b->plan->kind == PLAN_PROMOTE ? "the standby takes the mail; it waits there for the failback"
						  : "the primary takes the mail; coldmxd may be started again");
}

/* What a step is in a shell: the same for every pair, or made from this one. */
static const struct {
	const char *text;
	void (*put)(const struct runbook *b);
} steps[STEP_IDS] = {
	[STEP_ANNOUNCE] = { .put = put_announce },
	[STEP_BOOT_ORDER] = { .text = "\techo 'the order is given in the step connect'\n" },
	[STEP_CLOCK] = { .text = "\toff=$(($(answer unix_ms standby clock) / 1000 - $(date +%s)))\n"
				 "\techo \"its clock is off by $off s\"\n" },
	[STEP_CLOSE_PORT] = { .text = "\t[ \"$(answer port standby port closed)\" = closed ] || stop 'port 25 is not "
				      "closed'\n" },
	[STEP_CONNECT] = { .text = "\tuntil_true $limit answers standby || stop 'the standby does not answer SSH'\n"
				   "\tsay standby boot-order \"runbook-$(date +%s)\" || stop 'the boot order is not "
				   "taken'\n" },
	[STEP_DRAIN] = { .text = "\tdrain $limit\n" },
	[STEP_DRAIN_AGAIN] = { .text = "\tdrain $limit\n" },
	[STEP_FENCE] = { .put = put_fence },
	[STEP_GRANT] = { .put = put_grant },
	[STEP_GUARD] = { .put = put_guard },
	[STEP_HARDEN] = { .put = put_harden },
	[STEP_INTERLOCK] = { .text = "\techo 'nothing is pushed while coldmxd is stopped'\n" },
	[STEP_INTERLOCK_BACK] = { .text = "\techo 'nothing is pushed while coldmxd is stopped'\n" },
	[STEP_LINGER] = { .put = put_linger },
	[STEP_MAPS] = { .put = put_maps },
	[STEP_OPEN_PORT] = { .text = "\tboot=$(answer boot_id standby hello)\n"
				     "\t[ \"$(answer port standby port open \"$boot\")\" = open ] || stop 'port 25 is "
				     "not open'\n" },
	[STEP_OPEN_TO_PROBES] = { .text = "\t[ \"$(answer port standby port probes $HERE)\" = probes ] || stop 'port "
					  "25 is not open to us'\n" },
	[STEP_POWER_OFF] = { .text = "\t[ \"$(answer total standby queue status)\" = 0 ] || stop 'its queue is not "
				     "empty: it stays on'\n"
				     "\tpower standby off\n"
				     "\tuntil_true $limit power_is standby off || stop 'the standby does not read back "
				     "as off'\n" },
	[STEP_POWER_ON] = { .text = "\tpower_is standby on || power standby on\n"
				    "\tuntil_true $limit power_is standby on || stop 'the standby does not read back "
				    "as on'\n" },
	[STEP_READINESS] = { .text = "\t[ ! -t 0 ] || read -r -p 'Read what was said above. Enter goes on, ^C ends it "
				     "here: '\n" },
	[STEP_RESCUE] = { .text = "\tsay primary queue status || warn 'the queue of the primary cannot be counted'\n" },
	[STEP_SETTLE] = { .text = "\t[ \"$(answer total standby queue status)\" = 0 ] || stop 'its queue is not empty: "
				  "it stays on'\n"
				  "\tsay standby mail stop || stop 'mail is not stopped'\n"
				  "\tgrant standby $(($(highest_epoch) + 1)) primary\n" },
	[STEP_START_MAIL] = { .text = "\tsay standby queue hold on || stop 'the relay cannot be held'\n"
				      "\t[ \"$(answer listening standby mail start)\" = yes ] || stop 'nothing listens "
				      "on port 25'\n" },
	[STEP_SWITCH_DNS] = { .put = put_switch_dns },
	[STEP_UNFENCE] = { .put = put_unfence },
	[STEP_VERIFY_DNS] = { .put = put_verify_dns },
	[STEP_VERIFY_LOCAL] = { .put = put_verify_local },
	[STEP_VERIFY_OUTSIDE] = { .put = put_verify_outside },
	[STEP_VERIFY_PRIMARY] = { .text = "\tanswers primary || power_is primary on || power primary on\n"
					  "\tuntil_true $limit answers primary || stop 'the primary does not answer "
					  "SSH'\n"
					  "\t[ \"$(answer listening primary mail status)\" = yes ] ||\n"
					  "\t\t[ \"$(answer listening primary mail start)\" = yes ] || stop 'nothing "
					  "listens at the primary'\n" },
};

static void put_step(const struct runbook *b, size_t i)
{
	enum step_id step = b->plan->step[i];
	const char *text = steps[step].text ? steps[step].text : "";
	strbuf_addf(b->out, "\nstep_%zu() { # %s%s\n", i + 1, step_name(step),
		    step_no_return(b->plan->kind, step) ? ": the point of no return" : "");
	if (strstr(text, "$limit"))
		put_limited(b, step, text);
	else
		strbuf_adds(b->out, text);
	if (steps[step].put)
		steps[step].put(b);
	strbuf_adds(b->out, "}\n");
}

static void put_tail(const struct runbook *b)
{
	strbuf_adds(b->out, "\nnames=(");
	for (size_t i = 0; i < b->plan->nsteps; i++)
		strbuf_addf(b->out, "%s%s", i ? " " : "", step_name(b->plan->step[i]));
	strbuf_addf(b->out,
		    ")\n"
		    "if [ \"${1:-1}\" = list ]; then\n"
		    "\tfor ((i = 1; i <= %zu; i++)); do echo \"$i ${names[i - 1]}\"; done\n"
		    "\texit 0\n"
		    "fi\n"
		    "for ((step = ${1:-1}; step <= %zu; step++)); do\n"
		    "\techo \"== $step ${names[step - 1]}  $(date +%%T)\"\n"
		    "\tstep_$step\n"
		    "done\n",
		    b->plan->nsteps, b->plan->nsteps);
}

static void make_plan(const struct plan_site *site, enum plan_kind kind, struct plan *plan)
{
	*plan = (struct plan){ .kind = kind };
	plan_site_copy(&plan->site, site);
	for (size_t i = 0; kind != PLAN_PROMOTE && site->strategy != DNS_STANDING && i < site->nzones; i++) {
		plan->site.zones[i].before = site->zones[i].after;
		plan->site.zones[i].after = site->zones[i].before;
	}
	plan_choose_steps(plan);
}

void config_runbook(const struct config *c, const struct config_pair *pair, enum plan_kind kind, const char *path,
		    struct strbuf *out)
{
	struct engine_opts opts;
	struct plan plan;
	config_fill_engine(c, &opts);
	make_plan(&opts.pairs[pair - c->pairs].site, kind, &plan);
	struct runbook b = { c, pair, &plan, path, out };
	put_head(&b);
	for (size_t i = 0; i < plan.nsteps; i++)
		put_step(&b, i);
	put_tail(&b);
	plan_fini(&plan);
	config_engine_free(&opts);
}
