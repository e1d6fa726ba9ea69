# queue.sh: the word queue: what waits on this host, and what may happen to it.
#
# Not its job: deciding what is stranded (the controller exports, checks the hash and only then removes).
# Errors: fail with Postfix's own words; an absent message is success for remove and a failure for export.
# shellcheck shell=sh

QUEUE_RELAY=relay/unix

# Before its first start Postfix has no queue folders yet, which showq takes for an error.
queue_list() {
	[ -d "$(postfix_setting queue_directory)/hold" ] || timeout 60 postfix check >/dev/null 2>&1
	timeout 120 postqueue -j 2>"$RUN/postqueue.err" || fail "postqueue -j: $(tail -n 1 "$RUN/postqueue.err")"
}

queue_file() {
	run_folder
	queue_lines=$(mktemp "$RUN/queue.XXXXXX") || fail "cannot make a file in $RUN"
	trap 'rm -f "$queue_lines"' EXIT
	queue_list >"$queue_lines"
}

# Files that Postfix put aside as corrupt are acknowledged mail as well: they count as waiting.
queue_status() {
	queue_file
	awk -f "$LIB/queue.awk" -f "$LIB/queue-digest.awk" -v hold="$(queue_hold_state)" \
		-v soft_bounce="$(queue_soft_bounce_state)" \
		-v corrupt="$(find "$(postfix_setting queue_directory)/corrupt" -type f 2>/dev/null | wc -l)" \
		"$queue_lines" || fail "the queue listing is not what postqueue -j prints"
}

queue_hold_state() {
	case " $(postfix_setting defer_transports | tr ',\t' '  ') " in
	*' relay '*) echo on ;;
	*) echo off ;;
	esac
}

# Other transports that the site defers stay as they are.
queue_hold() {
	queue_others=$(postfix_setting defer_transports | tr -s ',\t ' '\n' | grep -vx -e relay -e '' | tr '\n' ' ')
	case $1 in
	on) queue_value="${queue_others}relay" ;;
	off) queue_value=${queue_others% } ;;
	esac
	postconf -e "defer_transports=$queue_value" || fail "postconf could not set defer_transports"
	postfix_reload || fail "postfix reload"
	queue_is=$(queue_hold_state)
	[ "$queue_is" = "$1" ] || fail "defer_transports reads back as hold=$queue_is"
	printf 'hold=%s\n' "$queue_is"
}

queue_soft_bounce_state() {
	if [ "$(postfix_override "$QUEUE_RELAY" soft_bounce)" = yes ]; then echo on; else echo off; fi
}

# On the relay transport only: as a global setting it would turn the listener's 5xx into 4xx.
queue_soft_bounce() {
	case $1 in
	on) queue_value=yes ;;
	off) queue_value= ;;
	esac
	postfix_override_set "$QUEUE_RELAY" soft_bounce "$queue_value" || fail "postconf could not change soft_bounce"
	postfix_reload || fail "postfix reload"
	queue_is=$(queue_soft_bounce_state)
	[ "$queue_is" = "$1" ] || fail "soft_bounce of the relay transport reads back $queue_is"
	printf 'soft_bounce=%s\n' "$queue_is"
}

queue_flush() {
	timeout 60 postqueue -f || fail "postqueue -f"
}

# A queue ID, and never ALL, which would empty the queue.
queue_check_id() {
	case $1 in
	*[!0-9A-Za-z]* | [Aa][Ll][Ll]) refuse "not a queue ID: $1" ;;
	esac
	[ "${#1}" -ge 6 ] && [ "${#1}" -le 32 ] || refuse "a queue ID has 6 to 32 characters"
}

queue_has() {
	postcat -qe "$1" >/dev/null 2>&1
}

queue_export() {
	queue_check_id "$1"
	queue_file
	awk -f "$LIB/queue.awk" -f "$LIB/queue-envelope.awk" -v want="$1" "$queue_lines" || fail "no message $1 in the queue"
	postcat -qbh "$1" || fail "postcat could not read message $1"
}

queue_remove() {
	queue_check_id "$1"
	if queue_has "$1"; then
		postsuper -d "$1" 2>"$RUN/postsuper.err" || fail "postsuper: $(tail -n 1 "$RUN/postsuper.err")"
		! queue_has "$1" || fail "message $1 is still in the queue"
	fi
	printf 'removed=%s\n' "$1"
}
