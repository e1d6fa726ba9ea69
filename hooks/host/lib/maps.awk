# maps.awk: reads a map bundle (docs/maps.md) and writes the sources of the Postfix tables into the folder `out`.
#
# Variables: out, pair, next_hop. The caller has checked size, NUL bytes and the trailer's hash.
# Not its job: postmap, installing.
# Errors: the first mistake ends the program with status 1 and one line `line N: what` on standard error.

BEGIN {
	FS = "\t"
	domains = 0
	recipients = 0
}

ended { wrong("text after the sha256 line") }
length($0) > 4096 { wrong("longer than 4096 bytes") }
/[\001-\010\013-\037\177]/ { wrong("control character") }
NR == 1 { header($0); next }
/^sha256 / { ended = 1; next }
/^\[/ { section_begin($0); next }
section == "" { wrong("an entry before the first section") }
NF != 2 { wrong("an entry is KEY, one tab, VALUE") }
$1 == "" || $2 == "" { wrong("empty key or value") }
section == "domains" { domain_entry(tolower($1)); next }
section == "recipients" { address_entry($1); recipient($1); next }
section == "aliases" { address_entry($1); recipient($1); table("aliases", $1, $2); next }
section == "transport" { once("t", $1); table("primary_transport", $1, $2); next }

END {
	if (failed) exit 1
	if (!ended) wrong("the bundle ends without its sha256 line (truncated)")
	if (domains == 0) wrong("no domains")
	if (recipients == 0) wrong("no recipients")
	printf "domains=%d\nrecipients=%d\n", domains, recipients
}

function header(line, words) {
	if (split(line, words, " ") != 3 || words[1] != "coldmx-maps") wrong("the first line is not `coldmx-maps 1 PAIR`")
	if (words[2] != "1") wrong("version " words[2] " of the format; this host reads version 1")
	if (words[3] != pair) wrong("maps of pair " words[3] "; this host belongs to pair " pair)
}

function section_begin(line) {
	if (line !~ /^\[(domains|recipients|aliases|transport)\]$/) wrong("no such section: " line)
	if (line in seen) wrong("section " line " twice")
	if (line != "[domains]" && !("[domains]" in seen)) wrong("[domains] is the first section")
	seen[line] = 1
	section = substr(line, 2, length(line) - 2)
}

function domain_entry(name) {
	if (name !~ /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/ || name !~ /\./ || name ~ /\.\./ || length(name) > 253)
		wrong("not a domain name: " name)
	once("d", name)
	domains++
	table("relay_domains", name, "coldmx")
	table("transport", name, next_hop)
	print name > (out "/domains")
}

# local@domain, or @domain for a domain that takes every local part. A local part with blanks stands in quotes, as in
# SMTP and in Postfix tables; one that begins with # would be a comment there.
function address_entry(key, domain) {
	if (key !~ /^("([^"\\]|\\.)*"|[^" \\]+)?@[^" \\@]+$/) wrong("not an address: " key)
	if (key ~ /^#/) wrong("a Postfix table cannot hold a local part that begins with #: " key)
	domain = tolower(key)
	sub(/^.*@/, "", domain)
	if (!(("d", domain) in keys)) wrong("an address of a domain that is not in [domains]: " key)
	once(section, key)
}

# An alias is a recipient as well; here it is not expanded, the primary does that.
function recipient(key) {
	key = tolower(key)
	if (("known", key) in keys) return
	keys["known", key] = 1
	recipients++
	table("relay_recipients", key, "coldmx")
}

function once(kind, key) {
	key = tolower(key)
	if ((kind, key) in keys) wrong("twice: " key)
	keys[kind, key] = 1
}

function table(name, key, value) {
	printf "%s\t%s\n", key, value > (out "/" name)
}

function wrong(what) {
	if (failed) exit 1
	printf "line %d: %s\n", NR, what > "/dev/stderr"
	failed = 1
	exit 1
}
