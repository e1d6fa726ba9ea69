# base.sh: what every part of the host command needs: refusing, failing, the word check, host.conf, the lock, input.
#
# Not its job: any effect on mail or firewall.
# Errors: refuse = exit 2, again = exit 75, fail = exit 1; each says one line on standard error.
# shellcheck shell=sh

say_error() {
	printf '%s\n' "$*" | tr '\n\t' '  ' | sed 's/ *$//' >&2
	echo >&2
}

refuse() {
	say_error "refused: $*"
	exit 2
}

again() {
	say_error "try again: $*"
	exit 75
}

fail() {
	say_error "failed: $*"
	exit 1
}

# The whole command line before it is split: characters and length.
check_line() {
	case $1 in
	'') refuse "no words" ;;
	*[!A-Za-z0-9.:@_\ -]*) refuse "a character outside A-Z a-z 0-9 . : @ _ - and space" ;;
	esac
	[ "${#1}" -le 4096 ] || refuse "more than 4096 characters"
}

# Each word once more: no option can hide in it.
check_words() {
	[ "$#" -ge 1 ] || refuse "no words"
	[ "$#" -le 80 ] || refuse "more than 80 words"
	for word in "$@"; do
		case $word in
		'' | -* | *[!A-Za-z0-9.:@_-]*) refuse "a word with characters outside the list" ;;
		esac
	done
}

# conf KEY DEFAULT: the value of KEY in host.conf, which is read and never run.
conf() {
	conf_value=
	if [ -r "$ETC/host.conf" ]; then
		conf_value=$(sed -n "s/^$1=//p" "$ETC/host.conf" | tail -n 1)
	fi
	case $conf_value in
	*[!A-Za-z0-9.:@_/*\ -]*) fail "$ETC/host.conf: $1 has a character that it cannot have (no quotes, no comments)" ;;
	esac
	printf '%s' "${conf_value:-$2}"
}

# locked LOCK FUNCTION ARGUMENTS: one change at a time under each lock. The port has a lock of its own, because closing
# it must not wait for anything else.
locked() {
	run_folder
	exec 9>"$RUN/$1.lock" || fail "cannot open $RUN/$1.lock"
	shift
	flock -w 20 9 || again "another change of this host has been running for 20 s"
	"$@"
}

run_folder() {
	mkdir -p "$RUN" && chmod 0700 "$RUN" || fail "cannot make $RUN"
}

# read_input FILE LIMIT: standard input into FILE, at most LIMIT bytes.
read_input() {
	timeout 120 head -c "$(($2 + 1))" >"$1" || again "standard input did not end in 120 s"
	[ "$(wc -c <"$1")" -le "$2" ] || fail "standard input is longer than $2 bytes"
}

# is_address4 WORD, is_address6 WORD: literal addresses only, since nft would look a name up.
is_address4() {
	printf '%s\n' "$1" | awk -F. '
		NF == 4 { for (i = 1; i <= 4; i++) if ($i !~ /^[0-9][0-9]?[0-9]?$/ || $i > 255) exit 1; good = 1 }
		END { exit !good }'
}

is_address6() {
	case $1 in
	*[!0-9A-Fa-f:.]* | *:::*) return 1 ;;
	*:*:*) return 0 ;;
	*) return 1 ;;
	esac
}
