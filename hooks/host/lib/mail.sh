# mail.sh: the words mail and verify-local: start, stop and look at the mail system of this host.
#
# A start is proven by the listener, because a unit that its gate skipped looks like a success to systemctl.
# Not its job: the firewall (port.sh), the queue (queue.sh), whether this host may run mail (coldmx-agent gate).
# Errors: fail with the unit's result; again when Postfix is too slow.
# shellcheck shell=sh

MAIL_UNIT=postfix@-.service

mail_status() {
	printf 'running=%s\nlistening=%s\nsoft_bounce=%s\n' \
		"$(yes_no postfix_running)" "$(yes_no mail_listening)" "$(mail_soft_bounce_state)"
}

yes_no() {
	if "$@"; then echo yes; else echo no; fi
}

mail_listening() {
	[ -n "$(ss -H -ltn 'sport = :25')" ]
}

# A rehearsal serves loopback alone: its port is shut both ways, and what waits is held, before mail runs.
mail_rehearse() {
	case $(timeout 20 "$AGENT" rights </dev/null 2>/dev/null) in
	*rehearse=yes*) ;;
	*) return ;;
	esac
	[ "$(port_state)" = rehearse ] || fail "this boot may only rehearse, and port 25 is not shut for that"
	[ "$(queue_hold_state)" = on ] || fail "this boot may only rehearse, and its queue is not held"
}

mail_start() {
	mail_rehearse
	systemctl reset-failed "$MAIL_UNIT" 2>/dev/null
	timeout 90 systemctl start "$MAIL_UNIT" >/dev/null 2>&1 9>&- || mail_start_failed
	systemctl is-active --quiet "$MAIL_UNIT" || mail_start_failed
	mail_wait 30 mail_listening || mail_start_failed
	mail_status
}

mail_start_failed() {
	mail_result=$(systemctl show -p Result --value "$MAIL_UNIT")
	case $mail_result in
	exec-condition) fail "$MAIL_UNIT was skipped: coldmx-agent gate says that this host has no right to run mail" ;;
	*) fail "$MAIL_UNIT does not listen on port 25 (result: $mail_result)" ;;
	esac
}

mail_stop() {
	timeout 90 systemctl stop "$MAIL_UNIT" >/dev/null 2>&1 9>&- || :
	if postfix_running; then
		timeout 60 postfix stop >/dev/null 2>&1 || :
	fi
	mail_wait 10 mail_silent || fail "port 25 still listens after $MAIL_UNIT was stopped"
	mail_status
}

mail_silent() {
	! postfix_running && ! mail_listening
}

# mail_wait SECONDS CONDITION
mail_wait() {
	mail_tries=$(($1 * 4))
	until "$2"; do
		mail_tries=$((mail_tries - 1))
		[ "$mail_tries" -gt 0 ] || return 1
		sleep 0.25
	done
}

# The listener's own 5xx become 4xx: for recipient maps that are too old, and for a primary that refuses its users.
mail_soft_bounce() {
	case $1 in
	on) mail_value=yes ;;
	off) mail_value= ;;
	esac
	for mail_service in $(printf '%s' "$(postfix_listeners)" | tr '\n' ' '); do
		postfix_override_set "$mail_service" soft_bounce "$mail_value" ||
			fail "postconf could not change soft_bounce of $mail_service"
	done
	postfix_reload || fail "postfix reload"
	mail_is=$(mail_soft_bounce_state)
	[ "$mail_is" = "$1" ] || fail "soft_bounce of the listener reads back $mail_is"
	printf 'soft_bounce=%s\n' "$mail_is"
}

mail_soft_bounce_state() {
	mail_state=off
	for mail_service in $(printf '%s' "$(postfix_listeners)" | tr '\n' ' '); do
		[ "$(postfix_override "$mail_service" soft_bounce)" != yes ] || mail_state=on
	done
	[ "$(postfix_setting soft_bounce)" != yes ] || mail_state=on
	echo "$mail_state"
}

# One dialogue on each loopback family that Postfix serves. The answer names the worse family: the highest code of the
# known recipient, the lowest of the unknown one.
verify_local() {
	verify_known=0
	verify_unknown=999
	for verify_family in $(verify_families); do
		verify_dialogue "$verify_family" "$1" "$2"
	done
	printf 'known=%s\nunknown=%s\n' "$verify_known" "$verify_unknown"
}

verify_families() {
	case $(postfix_setting inet_protocols) in
	ipv4) printf '127.0.0.1' ;;
	ipv6) printf '::1' ;;
	*) printf '127.0.0.1 ::1' ;;
	esac
}

verify_dialogue() {
	verify_said=$(printf '%s\n' "EHLO $(postfix_setting myhostname)" "MAIL FROM:<>" "RCPT TO:<$2>" "RCPT TO:<$3>" QUIT |
		timeout 60 "$LIB/smtp-say" "$1" 25 2>&1) || again "dialogue with $1: $(printf '%s' "$verify_said" | tail -n 1)"
	verify_code4=$(printf '%s\n' "$verify_said" | sed -n '4s/^\(...\).*/\1/p')
	verify_code5=$(printf '%s\n' "$verify_said" | sed -n '5s/^\(...\).*/\1/p')
	[ "$verify_code4" -le "$verify_known" ] || verify_known=$verify_code4
	[ "$verify_code5" -ge "$verify_unknown" ] || verify_unknown=$verify_code5
}
