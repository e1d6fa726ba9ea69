# tap.sh: TAP version 13 for the controls of harden.d: one line a check, the plan last.
#
# A control that dies leaves no plan, and output without a plan is a failure to the controller.
# Not its job: what is checked.
# Errors: tap_end exits 1 when a check was not ok.
# shellcheck shell=sh

tap_count=0
tap_failed=0

tap_begin() {
	echo "TAP version 13"
}

tap_ok() {
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s\n' "$tap_count" "$(tap_line "$1")"
}

# tap_not_ok NAME REASON
tap_not_ok() {
	tap_count=$((tap_count + 1))
	tap_failed=1
	printf 'not ok %d - %s\n# %s\n' "$tap_count" "$(tap_line "$1")" "$(tap_line "$2")"
}

# tap_skip NAME REASON
tap_skip() {
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s # SKIP %s\n' "$tap_count" "$(tap_line "$1")" "$(tap_line "$2")"
}

# tap_equal NAME WANTED FOUND
tap_equal() {
	if [ "$2" = "$3" ]; then tap_ok "$1"; else tap_not_ok "$1" "wanted \"$2\", found \"$3\""; fi
}

# tap_try NAME COMMAND...: ok when the command exits 0; its last line is the reason when not.
tap_try() {
	tap_name=$1
	shift
	if tap_said=$("$@" 2>&1); then
		tap_ok "$tap_name"
	else
		tap_not_ok "$tap_name" "$(printf '%s' "${tap_said:-no reason given}" | tail -n 1)"
	fi
}

# One line, printable, without the # that would begin a directive.
tap_line() {
	printf '%s' "$1" | tr '\n\t' '  ' | tr -cd ' -"$-~' | cut -c 1-300
}

tap_end() {
	printf '1..%d\n' "$tap_count"
	exit "$tap_failed"
}
