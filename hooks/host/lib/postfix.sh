# postfix.sh: small questions to and changes of Postfix, shared by the words and by the controls of harden.d.
#
# Not its job: starting or stopping it (mail.sh).
# Errors: functions return non-zero; the caller says what it means.
# shellcheck shell=sh

# True when a Postfix master runs, by its unit or started past it.
postfix_running() {
	timeout 20 postfix status >/dev/null 2>&1
}

# A changed configuration takes effect at once where Postfix runs, and at its start otherwise.
postfix_reload() {
	postfix_running || return 0
	timeout 30 postfix reload >/dev/null 2>&1
}

# postfix_setting NAME: its value in main.cf with $names expanded; empty and non-zero when Postfix does not know it.
postfix_setting() {
	postfix_known=$(postconf -d "$1" 2>/dev/null)
	[ -n "$postfix_known" ] || return 1
	postconf -xh "$1" 2>/dev/null
}

# The services of master.cf that take mail from strangers on port 25, with or without postscreen.
postfix_listeners() {
	for postfix_service in smtp/inet smtpd/pass; do
		[ -z "$(postconf -M "$postfix_service" 2>/dev/null)" ] || printf '%s\n' "$postfix_service"
	done
}

# postfix_override SERVICE NAME: the value of -o NAME=... of that service, empty when there is none.
postfix_override() {
	postconf -Ph "$1/$2" 2>/dev/null || :
}

# postfix_override_set SERVICE NAME VALUE; an empty VALUE removes the override.
postfix_override_set() {
	if [ -n "$3" ]; then
		postconf -P "$1/$2=$3"
	elif [ -n "$(postfix_override "$1" "$2")" ]; then
		postconf -PX "$1/$2"
	fi
}
