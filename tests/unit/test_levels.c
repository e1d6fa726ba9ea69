/* Levels of fencing: what the configuration refuses, what an agent says of itself, and agents and an edge's hook as real
 * children. Run from the top folder of the sources. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../common/base/clock.h"
#include "../../common/base/file.h"
#include "../../common/base/mem.h"
#include "../../controller/config_drivers.h"
#include "../../controller/config_rows.h"
#include "../../controller/driver/fence_metadata.h"
#include "replace.h"

static char dir[64];

static void put(const char *name, const char *text, mode_t mode)
{
	char path[256];
	struct err e;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(file_replace(path, text, strlen(text), mode, &e), ERR_OK);
}

/* The sample with these levels, its folders the test's own. */
static enum err_code load(const char *levels, struct config **c, struct err *e)
{
	char folder[80], path[256];
	char *text;
	struct strbuf list = STRBUF_INIT;
	assert_int_equal(file_read("etc/coldmx.conf", 1 << 20, FILE_ANY, &text, NULL, e), ERR_OK);
	strbuf_addf(&list, "fence = ( %s );", levels);
	snprintf(folder, sizeof(folder), "%s/", dir);
	text = replace(text, "fence = ( );", strbuf_str(&list));
	text = replace(text, "/etc/coldmx/", folder);
	text = replace(text, "/usr/lib/coldmx", dir);
	put("coldmx.conf", text, 0644);
	snprintf(path, sizeof(path), "%s/coldmx.conf", dir);
	strbuf_fini(&list);
	free(text);
	return config_load(path, c, e);
}

static int set_up(void **state)
{
	static const char *const files[] = { "tsig.key",         "maps.key",        "mx1.token",     "mx2.token",
					     "ssh_key",          "known_hosts",     "agents-ca.pem", "mx-ca.pem",
					     "agent-listen.pem", "agent-listen.key" };
	char path[80];
	(void)state;
	strcpy(dir, "/tmp/coldmx-fence-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/harden.d", dir);
	assert_int_equal(mkdir(path, 0755), 0);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		put(files[i], "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n", 0600);
	put("notify", "#!/bin/sh\n", 0755);
	put("heartbeat", "#!/bin/sh\n", 0755);
	put("edge", "#!/bin/sh\nexit 0\n", 0755);
	return 0;
}

static int tear_down(void **state)
{
	char command[100];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) ? -1 : 0;
}

static void expect_error(const char *levels, const char *want)
{
	struct config *c;
	struct err e = { 0 };
	if (load(levels, &c, &e) != ERR_INVALID || !strstr(e.text, want) || !strstr(e.text, "coldmx.conf:"))
		fail_msg("%s\n  wanted: %s\n  got:    %s", levels, want, e.text);
	assert_null(c);
}

static void mistakes_in_levels_are_named(void **state)
{
	(void)state;
	expect_error("\"power\"", "level of fencing must be a group");
	expect_error("{ kind = \"edge\"; }", "has no \"name\"");
	expect_error("{ name = \"a\"; kind = \"watchdog\"; }",
		     "kind \"watchdog\" is not one of \"command\", \"agent\", \"edge\"");
	expect_error("{ name = \"this-name-is-longer-than-24\"; }", "name");
	expect_error("{ name = \"a\"; on = \"x\"; }", "add via");
	expect_error("{ name = \"a\"; via = \"hyper\"; on = \"x\"; off = \"y\"; }", "all three of on, off and status");
	expect_error("{ name = \"a\"; via = \"nope\"; on = \"x\"; off = \"y\"; status = \"z\"; }",
		     "power_hosts has no such host");
	expect_error("{ name = \"a\"; program = \"/usr/lib/coldmx/edge\"; }", "a level by command has no program");
	expect_error("{ name = \"a\"; kind = \"edge\"; }", "an edge needs its hook");
	expect_error("{ name = \"a\"; kind = \"edge\"; program = \"/usr/lib/coldmx/edge\"; via = \"hyper\"; }",
		     "an edge is a hook");
	expect_error(
		"{ name = \"a\"; kind = \"edge\"; program = \"/usr/lib/coldmx/edge\"; parameters = ( \"Router=1\" ); }",
		"an edge's parameter is \"key=value\"");
	expect_error("{ name = \"a\"; kind = \"edge\"; program = \"/usr/lib/coldmx/edge\"; parameters = ( 5 ); }",
		     "each item of parameters must be a text");
	expect_error("{ name = \"person\"; }", "a person is no level");
	expect_error("{ name = \"a\"; }, { name = \"a\"; }", "two levels have this name");
}

static void levels_reach_plan_and_drivers(void **state)
{
	struct config *c;
	struct err e = { 0 };
	struct engine_opts opts;
	struct drivers drivers;
	(void)state;
	if (load("{ name = \"own\"; site = \"room-1\"; }, { name = \"far\"; via = \"hyper\"; on = \"x\"; off = \"y\"; "
		 "status = \"z\"; },"
		 "{ name = \"edge\"; kind = \"edge\"; program = \"/usr/lib/coldmx/edge\"; parameters = ( \"a=b\", "
		 "\"c=\" ); }",
		 &c, &e))
		fail_msg("%s", e.text);
	config_fill_engine(c, &opts);
	const struct plan_site *site = &opts.pairs[0].site;
	assert_int_equal(site->nlevels, 3);
	assert_true(site->level[0].proves_off && site->level[0].shares_site);
	assert_true(site->level[1].proves_off && !site->level[1].shares_site);
	assert_false(site->level[2].proves_off);
	config_fill_drivers(c, &drivers);
	assert_string_equal(drivers.pairs[0].levels[0].power.off, "machine off mx1");
	assert_string_equal(drivers.pairs[0].levels[1].power.off, "y");
	assert_string_equal(drivers.pairs[0].levels[2].parameters[1], "c=");
	config_drivers_free(&drivers);
	config_engine_free(&opts);
	config_free(c);
}

static const char good_metadata[] =
	"<?xml version=\"1.0\" ?>\n<resource-agent name=\"fence_x\" shortdesc=\"x\" >\n<longdesc>a > b</longdesc>\n"
	"<parameters>\n"
	"<parameter name=\"action\" unique=\"0\" required=\"1\">\n<content type=\"string\" />\n</parameter>\n"
	"<parameter name=\"ip\" required=\"1\" obsoletes=\"ipaddr\">\n<content type=\"string\"  />\n</parameter>\n"
	"<parameter name=\"ipaddr\" required=\"1\" deprecated=\"1\"><content type=\"string\"/></parameter>\n"
	"<parameter name='method' required='1'><content type=\"select\" default=\"onoff\"  >\n<option value=\"onoff\" "
	"/>\n"
	"</content></parameter>\n"
	"<parameter name=\"password\" required=\"0\"/>\n<parameter name=\"tls1.0\"/><parameter name=\"ssh-port\"/>\n"
	"</parameters>\n<actions>\n"
	"<action name=\"on\" automatic=\"0\"/>\n<action name=\"off\" />\n<action name=\"status\" />\n</actions>\n"
	"<!-- <b> --></resource-agent>\n";

static void metadata_is_read_or_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"no agent",
		"<html></html>",
		"<resource-agent>",
		"<resource-agent/>",
		"<resource-agent></resource-agent><x/>",
		"<!DOCTYPE a [<!ENTITY b \"c\">]><resource-agent></resource-agent>",
		"<resource-agent></b></resource-agent></resource-agent>",
		"<resource-agent><parameter/></resource-agent>",
		"<resource-agent><parameter name=\"a b\"/></resource-agent>",
		"<resource-agent><parameter name=\"a\"><parameter name=\"b\"/></parameter></resource-agent>",
		"<resource-agent><parameter name=\"a\" <b/></resource-agent>",
		"<resource-agent><action name=\"&off;\"/></resource-agent>",
		"<resource-agent><action name=off/></resource-agent>",
		"<resource-agent><!-- </resource-agent>",
		"<resource-agent><a><a><a><a><a><a><a><a><a><a><a><a></resource-agent>",
	};
	static struct fence_metadata m;
	struct err e = { 0 };
	(void)state;
	assert_int_equal(fence_metadata_parse(good_metadata, sizeof(good_metadata) - 1, &m, &e), ERR_OK);
	assert_int_equal(m.nparameters, 7);
	assert_string_equal(fence_metadata_parameter(&m, "ip")->replaces, "ipaddr");
	assert_true(fence_metadata_parameter(&m, "ip")->required && !fence_metadata_parameter(&m, "ip")->has_default);
	assert_true(fence_metadata_parameter(&m, "ipaddr")->deprecated &&
		    fence_metadata_parameter(&m, "method")->has_default);
	assert_null(fence_metadata_parameter(&m, "onoff"));
	assert_true(fence_metadata_has_action(&m, "off") && !fence_metadata_has_action(&m, "reboot"));
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		if (fence_metadata_parse(wrong[i], strlen(wrong[i]), &m, &e) != ERR_INVALID || !e.text[0])
			fail_msg("taken for metadata: %s", wrong[i]);
	for (size_t len = 0; len < sizeof(good_metadata) - 2; len++) /* cut anywhere */
		assert_int_equal(fence_metadata_parse(good_metadata, len, &m, &e), ERR_INVALID);
}

/* An agent that says this of itself, and answers its status with that. */
static void put_agent(const char *metadata, const char *status)
{
	struct strbuf script = STRBUF_INIT;
	put("metadata", metadata, 0644);
	strbuf_addf(&script,
		    "#!/bin/sh\ncat >%s/input\necho a warning >&2\n{ echo \"$# $*\"; env; } >%s/seen\n"
		    "case $(head -1 %s/input) in\naction=metadata) cat %s/metadata ;;\n*) %s ;;\nesac\n",
		    dir, dir, dir, dir, status);
	put("agent", strbuf_str(&script), 0755);
	strbuf_fini(&script);
}

#define AGENT "{ name = \"board\"; kind = \"agent\"; program = \"/usr/lib/coldmx/agent\"; "

static void an_agent_is_held_to_its_metadata(void **state)
{
	struct config *c;
	struct err e = { 0 };
	(void)state;
	put_agent(good_metadata, "true");
	put("board.secret", "password=hush\ntls1.0=1\n", 0600);
	if (load(AGENT
		 "parameters = ( \"ip=192.0.2.3\", \"ssh_port=22\" ); secret_file = \"/etc/coldmx/board.secret\"; }",
		 &c, &e))
		fail_msg("%s", e.text);
	config_free(c);
	assert_int_equal(load(AGENT "parameters = ( \"ipaddr=192.0.2.3\" ); }", &c, &e), ERR_OK); /* its older name */
	config_free(c);
	expect_error(AGENT "parameters = ( \"ip=192.0.2.3\", \"lanplsu=1\" ); }",
		     "agent: \"lanplsu\" is no parameter of this agent");
	expect_error(AGENT "parameters = ( \"ssh_port=1\" ); }", "agent: \"ip\" is required by this agent");
	expect_error(AGENT "parameters = ( \"ip=192.0.2.3\", \"action=off\" ); }", "\"action\" is coldmx's to say");
	expect_error(AGENT "parameters = ( \"ip=192.0.2.3\", \"debug_file=/tmp/x\" ); }", "write secrets down");
	expect_error(AGENT "parameters = ( \"ip=192.0.2.3\", \"password=hush\" ); }",
		     "is a secret: write it into a file");
	put("board.secret", "pasword=hush\n", 0600);
	expect_error(AGENT "parameters = ( \"ip=1\" ); secret_file = \"/etc/coldmx/board.secret\"; }",
		     "\"pasword\" is no parameter");
	put("board.secret", "hush\n", 0600);
	expect_error(AGENT "parameters = ( \"ip=1\" ); secret_file = \"/etc/coldmx/board.secret\"; }",
		     "a line of it is not key=value");
	expect_error(AGENT "via = \"hyper\"; }", "an agent is a program");
	expect_error("{ name = \"a\"; kind = \"agent\"; }", "an agent needs its program");
	put_agent("<resource-agent><actions><action name=\"off\"/><action name=\"on\"/></actions></resource-agent>",
		  "true");
	expect_error(AGENT "}", "\"status\" is no action of this agent");
	put_agent("<html></html>", "true");
	expect_error(AGENT "}", "agent: its metadata is not what a fence agent says of itself");
	put("agent", "#!/bin/sh\nhead -c 400000 /dev/zero | tr '\\0' x\n", 0755);
	expect_error(AGENT "}", "its metadata is longer than 262144 bytes");
	put("agent", "#!/bin/sh\necho no python; exit 1\n", 0755);
	expect_error(AGENT "}", "exit 1: no python");
}

static void an_agent_that_hangs_is_not_waited_for(void **state)
{
	static struct fence_metadata m;
	struct err e = { 0 };
	char path[100];
	struct job_wait wait = { clock_boot_ms() + 100, -1 };
	(void)state;
	put("agent", "#!/bin/sh\nexec sleep 20\n", 0755);
	snprintf(path, sizeof(path), "%s/agent", dir);
	assert_int_equal(fence_agent_metadata(path, &wait, &m, &e), ERR_TIMEOUT);
	assert_true(clock_boot_ms() - wait.deadline_ms < 5000);
}

static void ask_level(const char *levels, enum verb_kind kind, const char *level, struct outcome *out)
{
	struct config *c;
	struct err e = { 0 };
	struct drivers drivers;
	struct ssh_session *kept = NULL;
	struct verb verb = { .kind = kind, .guard = { 1, 1 }, .deadline_ms = clock_boot_ms() + 10000 };
	if (load(levels, &c, &e) != ERR_OK)
		fail_msg("%s", e.text);
	config_fill_drivers(c, &drivers);
	(void)str_copy(verb.u.fence.level, sizeof(verb.u.fence.level), level);
	drivers_run(&drivers, &verb, -1, &kept, out);
	config_drivers_free(&drivers);
	config_free(c);
}

static void ask_agent(const char *status, enum verb_kind kind, struct outcome *out)
{
	put_agent(good_metadata, status);
	put("board.secret", "password=hush\n", 0600);
	ask_level(AGENT "parameters = ( \"ip=192.0.2.3\" ); secret_file = \"/etc/coldmx/board.secret\"; }", kind,
		  "board", out);
}

static char *read_back(const char *name)
{
	char path[100], *text;
	struct err e;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(file_read(path, 1 << 20, FILE_ANY, &text, NULL, &e), ERR_OK);
	return text;
}

static void an_agent_is_asked_by_its_protocol(void **state)
{
	static const struct {
		const char *status;
		enum power_state power;
		enum err_code code;
	} cases[] = {
		{ "echo Status: ON", POWER_STATE_ON, ERR_OK },
		{ "exit 0", POWER_STATE_ON, ERR_OK },
		{ "echo Status: OFF; exit 2", POWER_STATE_OFF, ERR_OK },
		{ "exit 2", POWER_UNKNOWN, ERR_INVALID },                 /* a misread option */
		{ "echo Status: OFF; exit 0", POWER_UNKNOWN, ERR_OK },    /* it contradicts itself */
		{ "echo Status: OFF; exit 1", POWER_UNKNOWN, ERR_AGAIN }, /* the device did not answer */
		{ "exit 3", POWER_UNKNOWN, ERR_AUTH },
		{ "exit 5", POWER_UNKNOWN, ERR_AGAIN },
	};
	struct outcome out;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ask_agent(cases[i].status, VERB_FENCE_STATUS, &out);
		if (out.err.code != cases[i].code || (!out.err.code && out.u.power != cases[i].power))
			fail_msg("%s: %s %s %s", cases[i].status, err_code_name(out.err.code), out.err.text,
				 power_state_name(out.u.power));
	}
	ask_agent("exit 2", VERB_FENCE_OFF, &out);
	assert_int_equal(out.err.code, ERR_INVALID);
	ask_agent("exit 0", VERB_FENCE_OFF, &out);
	assert_int_equal(out.err.code, ERR_OK);
	char *input = read_back("input"), *seen = read_back("seen");
	assert_string_equal(input, "action=off\nip=192.0.2.3\npassword=hush\n");
	assert_null(strstr(seen, "hush")); /* neither in its arguments nor in its environment */
	assert_non_null(strstr(seen, "0 \n"));
	free(input);
	free(seen);
	ask_agent("exit 0", VERB_FENCE_ON, &out);
	input = read_back("input");
	assert_non_null(strstr(input, "action=on\n"));
	free(input);
}

/* An edge with this hook, asked for one thing. */
static void ask_edge(const char *hook, enum verb_kind kind, const char *level, struct outcome *out)
{
	put("edge", hook, 0755);
	ask_level("{ name = \"edge\"; kind = \"edge\"; program = \"/usr/lib/coldmx/edge\"; "
		  "parameters = ( \"router=192.0.2.1\", \"known_hosts=/x y\" ); }",
		  kind, level, out);
}

static void an_edge_is_told_and_read_back(void **state)
{
	struct outcome out;
	char script[400];
	(void)state;
	snprintf(script, sizeof(script), "#!/bin/sh\n{ echo \"$1 $#\"; env | sort; cat; } >%s/said\n", dir);
	ask_edge(script, VERB_FENCE_OFF, "edge", &out);
	assert_int_equal(out.err.code, ERR_OK);
	char *said = read_back("said");
	assert_non_null(strstr(said, "close 1\n"));
	assert_non_null(strstr(said, "COLDMX_ACTION=close\n"));
	assert_non_null(strstr(said, "COLDMX_V4=192.0.2.25\nCOLDMX_V6=2001:db8::25\n"));
	assert_non_null(strstr(said, "COLDMX_CONTROLLER4=192.0.2.9\n"));
	assert_non_null(strstr(said, "COLDMX_PARAMETER_KNOWN_HOSTS=/x y\nCOLDMX_PARAMETER_ROUTER=192.0.2.1\n"));
	assert_non_null(strstr(said, "\"parameters\":[\"router=192.0.2.1\",\"known_hosts=/x y\"]"));
	free(said);
	ask_edge("#!/bin/sh\necho closed\n", VERB_FENCE_STATUS, "edge", &out);
	assert_int_equal(out.u.power, POWER_STATE_OFF);
	ask_edge("#!/bin/sh\necho it is open\n", VERB_FENCE_STATUS, "edge", &out);
	assert_int_equal(out.u.power, POWER_STATE_ON);
	ask_edge("#!/bin/sh\necho partly closed.\n", VERB_FENCE_STATUS, "edge", &out);
	assert_int_equal(out.u.power, POWER_UNKNOWN);
	ask_edge("#!/bin/sh\necho closed; exit 75\n", VERB_FENCE_STATUS, "edge", &out);
	assert_int_equal(out.err.code, ERR_AGAIN);
	assert_int_equal(out.u.power, POWER_UNKNOWN);
	ask_edge("#!/bin/sh\nexit 0\n", VERB_FENCE_ON, "gone", &out);
	assert_int_equal(out.err.code, ERR_INVALID);
	assert_non_null(strstr(out.err.text, "no level of fencing \"gone\""));
}

/* ---- presets (etc/fence): four settings each, for a power group or a level by command ---- */

static char *preset(const char *name)
{
	char path[80], *text;
	struct err e;
	snprintf(path, sizeof(path), "etc/fence/%s.conf", name);
	assert_int_equal(file_read(path, 1 << 20, FILE_ANY, &text, NULL, &e), ERR_OK);
	return text;
}

static struct config *load_preset(const char *name)
{
	struct strbuf level = STRBUF_INIT;
	struct config *c;
	struct err e = { 0 };
	char *text = preset(name);
	strbuf_addf(&level, "{ name = \"preset\"; %s }", text);
	if (load(strbuf_str(&level), &c, &e) != ERR_OK)
		fail_msg("%s: %s", name, e.text);
	strbuf_fini(&level);
	free(text);
	return c;
}

static void every_preset_loads(void **state)
{
	DIR *folder = opendir("etc/fence");
	size_t n = 0;
	(void)state;
	assert_non_null(folder);
	for (const struct dirent *entry; (entry = readdir(folder));) {
		char name[80];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(entry->d_name, "."), entry->d_name);
		struct config *c = load_preset(name);
		const struct config_power *p = &c->pairs[0].fence[0].power;
		if (!p->on[0] || !p->off[0] || !p->status[0])
			fail_msg("%s has not all of on, off and status", name);
		config_free(c);
		n++;
	}
	closedir(folder);
	assert_int_equal(n, 8);
}

/* The state that a preset's status means when its platform's own program says that, as the power host's shell runs it. */
static enum power_state status_of(const char *name, const char *program, const char *says)
{
	struct config *c = load_preset(name);
	struct strbuf script = STRBUF_INIT, command = STRBUF_INIT;
	char said[200];
	strbuf_addf(&script, "#!/bin/sh\n%s\n", says);
	put(program, strbuf_str(&script), 0755);
	put("status.sh", c->pairs[0].fence[0].power.status, 0644);
	strbuf_addf(&command, "PATH=%s:/usr/bin:/bin sh %s/status.sh 2>/dev/null", dir, dir);
	FILE *f = popen(strbuf_str(&command), "re");
	assert_non_null(f);
	said[fread(said, 1, sizeof(said) - 1, f)] = '\0';
	pclose(f);
	strbuf_fini(&script);
	strbuf_fini(&command);
	config_free(c);
	return power_last_word(said, "on", "off");
}

static void a_preset_means_what_its_platform_says(void **state)
{
	static const struct {
		const char *name, *program, *says;
		enum power_state state;
	} cases[] = {
		{ "libvirt", "virsh", "echo running; echo", POWER_STATE_ON },
		{ "libvirt", "virsh", "echo paused; echo", POWER_STATE_ON },
		{ "libvirt", "virsh", "echo 'shut off'; echo", POWER_STATE_OFF },
		{ "libvirt", "virsh", "echo 'in shutdown'; echo", POWER_UNKNOWN },
		{ "libvirt", "virsh", "echo 'error: failed to get domain' >&2; exit 1", POWER_UNKNOWN },
		{ "proxmox", "qm", "echo 'status: running'", POWER_STATE_ON },
		{ "proxmox", "qm", "echo 'status: stopped'", POWER_STATE_OFF },
		{ "proxmox", "qm", "echo 'no such VM' >&2; exit 2", POWER_UNKNOWN },
		{ "esxi", "vim-cmd", "echo 'Retrieved runtime info'; echo 'Powered on'", POWER_STATE_ON },
		{ "esxi", "vim-cmd", "echo 'Retrieved runtime info'; echo 'Powered off'", POWER_STATE_OFF },
		{ "esxi", "vim-cmd", "echo 'Retrieved runtime info'; echo 'Suspended'", POWER_UNKNOWN },
		{ "xen", "xe", "echo running", POWER_STATE_ON },
		{ "xen", "xe", "echo halted", POWER_STATE_OFF },
		{ "xen", "xe", "echo suspended", POWER_UNKNOWN },
		{ "idrac", "racadm", "echo 'Server power status: ON'", POWER_STATE_ON },
		{ "idrac", "racadm", "echo 'Server power status: OFF'", POWER_STATE_OFF },
		{ "ilo", "power", "echo status=0; echo; echo 'power: server power is currently: On'; echo",
		  POWER_STATE_ON },
		{ "ilo", "power", "echo status=0; echo; echo 'power: server power is currently: Off'; echo",
		  POWER_STATE_OFF },
		{ "wake-on-lan", "ping", "exit 0", POWER_STATE_ON },
		{ "wake-on-lan", "ping", "exit 1", POWER_STATE_OFF },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum power_state found = status_of(cases[i].name, cases[i].program, cases[i].says);
		if (found != cases[i].state)
			fail_msg("%s, %s: %s", cases[i].name, cases[i].says, power_state_name(found));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_in_levels_are_named),
		cmocka_unit_test(levels_reach_plan_and_drivers),
		cmocka_unit_test(metadata_is_read_or_refused),
		cmocka_unit_test(an_agent_is_held_to_its_metadata),
		cmocka_unit_test(an_agent_that_hangs_is_not_waited_for),
		cmocka_unit_test(an_agent_is_asked_by_its_protocol),
		cmocka_unit_test(an_edge_is_told_and_read_back),
		cmocka_unit_test(every_preset_loads),
		cmocka_unit_test(a_preset_means_what_its_platform_says),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
