# harden.sh: the word harden: runs one control of harden.d, which comes on standard input.
#
# Where $ETC/harden.sums exists (sha256sum's format), a script must be listed there under its name: then the
# controller's key can run the controls that the host's owner has seen, and nothing else.
# Not its job: what the controls do; judging their TAP (controller).
# Errors: refuse for a name or interpreter; again when a control needs more than 120 s; else the control's status.
# shellcheck shell=sh

harden() {
	case $1 in
	[0-9][0-9]-[a-z0-9]*) ;;
	*) refuse "not the name of a control: $1" ;;
	esac
	case $2 in
	apply | verify) ;;
	*) refuse "harden $1 takes apply or verify" ;;
	esac
	harden_script=$(mktemp "$RUN/harden.XXXXXX") || fail "cannot make a file in $RUN"
	trap 'rm -f "$harden_script"' EXIT
	read_input "$harden_script" 262144
	harden_known "$1"
	harden_run "$2"
}

harden_known() {
	[ -e "$ETC/harden.sums" ] || return 0
	harden_sum=$(sha256sum <"$harden_script")
	grep -qxE "${harden_sum%% *}[ *]+([^ ]*/)?$1" "$ETC/harden.sums" ||
		refuse "control $1 with sha256 ${harden_sum%% *} is not in $ETC/harden.sums"
}

harden_run() {
	case $(head -n 1 "$harden_script") in
	'#!/bin/sh') harden_shell=/bin/sh ;;
	'#!/bin/bash') harden_shell=/bin/bash ;;
	*) refuse "a control begins with #!/bin/sh or #!/bin/bash" ;;
	esac
	env -i PATH="$PATH" LC_ALL=C COLDMX_LIB="$LIB" COLDMX_ETC="$ETC" \
		COLDMX_PAIR="$(conf PAIR '')" \
		COLDMX_CONTROLLER4="$(conf CONTROLLER4 '')" COLDMX_CONTROLLER6="$(conf CONTROLLER6 '')" \
		COLDMX_SSH_PORT="$(conf SSH_PORT 22)" COLDMX_AGENT_PORT="$(conf AGENT_PORT '')" \
		COLDMX_SSH_ALLOW="$(conf SSH_ALLOW '')" COLDMX_LISTEN_ALLOW="$(conf LISTEN_ALLOW '')" \
		timeout 120 "$harden_shell" "$harden_script" "$1" </dev/null 9>&-
	harden_status=$?
	case $harden_status in
	124) again "the control needed more than 120 s" ;;
	0) exit 0 ;;
	*) exit 1 ;;
	esac
}
