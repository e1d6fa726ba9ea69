# identity.sh: who this host is, what its clock says, and the words that coldmx-agent answers (rights, grant, boot-order).
#
# Not its job: judging a record or a boot; the agent stores and decides.
# Errors: the agent's exit status and standard error pass through.
# shellcheck shell=sh

hello() {
	printf 'boot_id=%s\n' "$(cat /proc/sys/kernel/random/boot_id)"
	awk '{ printf "uptime_ms=%d\n", $1 * 1000 }' /proc/uptime
	printf 'host=%s\n' "$(uname -n)"
}

clock() {
	date +unix_ms=%s%3N
}

boot_order() {
	case $1 in
	*[!A-Za-z0-9-]*) refuse "a nonce has letters, digits and - only" ;;
	esac
	[ "${#1}" -ge 8 ] && [ "${#1}" -le 64 ] || refuse "a nonce has 8 to 64 characters"
	timeout 20 "$AGENT" boot-order "$1" </dev/null
	agent_answered $?
}

rights() {
	timeout 20 "$AGENT" rights </dev/null
	agent_answered $?
}

grant() {
	run_folder
	grant_record=$(mktemp "$RUN/record.XXXXXX") || fail "cannot make a file in $RUN"
	trap 'rm -f "$grant_record"' EXIT
	read_input "$grant_record" 4096
	timeout 20 "$AGENT" grant --record - <"$grant_record"
	agent_answered $?
}

# The agent's status is the word's status; only "too slow" is translated. 2 is taken (unknown word) and becomes 1.
agent_answered() {
	case $1 in
	124) again "$AGENT did not answer in 20 s" ;;
	2) exit 1 ;;
	*) exit "$1" ;;
	esac
}
