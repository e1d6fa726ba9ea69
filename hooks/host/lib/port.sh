# port.sh: the word port: who reaches port 25, in nftables, both families at once.
#
# The state is the chain `smtp` of table `inet coldmx`: empty = closed, the two probe rules = probes, one accept = open;
# and beside a closed port the chain `rehearse` of what leaves the host: a drill, which sends no mail either. A reload of the ruleset and a boot come back as closed. Each change is one transaction.
# Not its job: the rest of the ruleset (harden.d/10-firewall, etc/nftables).
# Errors: fail when the table is not loaded or its chain reads back as something else.
# shellcheck shell=sh

PORT_REHEARSE_RULES='tcp dport 25 reject with tcp reset;ip daddr @blackhole4 drop;ip6 daddr @blackhole6 drop;'
PORT_PROBE_RULES='ip saddr @probes4 accept;ip6 saddr @probes6 accept;'

# The rules of a chain on one line, each ended by a semicolon.
port_rules() {
	nft -s list chain inet coldmx "$1" 2>/dev/null | awk '
		/^\t\t/ { sub(/^\t\t/, ""); rules = rules $0 ";" }
		/^\t}/ { whole = 1 }
		END { if (!whole) exit 1; print rules }'
}

port_state() {
	port_now=$(port_rules smtp) || fail "table inet coldmx is not loaded: nothing guards port 25"
	port_out=$(port_rules rehearse) || port_out= # a ruleset from before drills has none
	case "$port_now $port_out" in
	' ') echo closed ;;
	" $PORT_REHEARSE_RULES") echo rehearse ;;
	"$PORT_PROBE_RULES ") echo probes ;;
	'accept; ') echo open ;;
	*' '*reject*) fail "chain inet coldmx rehearse has rules beside an open port, or not ours: $port_out" ;;
	*) fail "chain inet coldmx smtp has rules that are not ours: $port_now" ;;
	esac
}

port_status() {
	port_is=$(port_state) || exit
	printf 'port=%s\n' "$port_is"
}

# port_change STATE: the rules come on standard input, after a flush in the same transaction.
port_change() {
	{
		printf 'flush chain inet coldmx smtp\nflush set inet coldmx probes4\nflush set inet coldmx probes6\n'
		if port_rules rehearse >/dev/null; then
			printf 'flush chain inet coldmx rehearse\nflush set inet coldmx blackhole4\nflush set inet coldmx blackhole6\n'
		fi
		cat
	} | nft -f - 2>"$RUN/nft.err" || fail "nft: $(head -n 1 "$RUN/nft.err")"
	port_is=$(port_state) || exit
	[ "$port_is" = "$1" ] || fail "port 25 reads back $port_is, wanted $1"
	printf 'port=%s\n' "$port_is"
}

port_closed() {
	port_change closed </dev/null
}

# What was verified, was verified in one boot: a host that has booted since begins hardening afresh.
port_open() {
	port_boot=$(cat /proc/sys/kernel/random/boot_id)
	[ "$1" = "$port_boot" ] || fail "port 25 stays shut: boot $1 was verified, this is boot $port_boot"
	echo 'add rule inet coldmx smtp accept' | port_change open
}

# Nobody comes in, no mail goes out; literal addresses are cut off altogether (the primary's).
port_rehearse() {
	for port_address in "$@"; do
		is_address4 "$port_address" || is_address6 "$port_address" || refuse "not a literal address: $port_address"
	done
	port_rules rehearse >/dev/null || fail "the ruleset has no chain rehearse: copy coldmx-standby.nft of this version"
	{
		for port_address in "$@"; do
			if is_address4 "$port_address"; then port_set=blackhole4; else port_set=blackhole6; fi
			printf 'add element inet coldmx %s { %s }\n' "$port_set" "$port_address"
		done
		printf 'add rule inet coldmx rehearse %s\n' 'tcp dport 25 reject with tcp reset' \
			'ip daddr @blackhole4 drop' 'ip6 daddr @blackhole6 drop'
	} | port_change rehearse
}

port_probes() {
	for port_address in "$@"; do
		is_address4 "$port_address" || is_address6 "$port_address" || refuse "not a literal address: $port_address"
	done
	{
		for port_address in "$@"; do
			if is_address4 "$port_address"; then port_set=probes4; else port_set=probes6; fi
			printf 'add element inet coldmx %s { %s }\n' "$port_set" "$port_address"
		done
		printf 'add rule inet coldmx smtp ip saddr @probes4 accept\n'
		printf 'add rule inet coldmx smtp ip6 saddr @probes6 accept\n'
	} | port_change probes
}
