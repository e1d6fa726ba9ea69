# maps.sh: the word maps: installs the primary's recipient maps as Postfix tables (docs/maps.md).
#
# A bundle becomes a folder of tables under $ETC/maps.d, and $ETC/maps, a symbolic link, is renamed onto it: all tables
# change at once or none does. Postfix is pointed at the link.
# Not its job: the age of the maps and whether a shrinking one is believed (controller).
# Errors: fail with the line of the bundle; what was installed before stays.
# shellcheck shell=sh

MAPS_LIMIT=16777216

maps_status() {
	printf 'sha256=%s\n' "$(cat "$ETC/maps/sha256" 2>/dev/null)"
}

maps_put() {
	maps_next=$(maps_next_hop)
	[ -n "$maps_next" ] || fail "$ETC/host.conf names neither PRIMARY4 nor PRIMARY6: the mail would have no next hop"
	maps_pair=$(conf PAIR '')
	[ -n "$maps_pair" ] || fail "$ETC/host.conf has no PAIR"
	mkdir -p "$ETC/maps.d" || fail "cannot make $ETC/maps.d"
	maps_new=$(mktemp -d "$ETC/maps.d/new.XXXXXX") || fail "cannot make a folder in $ETC/maps.d"
	trap 'rm -rf "$maps_new"' EXIT
	read_input "$maps_new/bundle" "$MAPS_LIMIT"
	maps_hash=$(maps_check "$maps_new/bundle") || exit
	maps_counts=$(maps_build) || exit
	maps_not_local "$maps_new/domains"
	maps_switch
	maps_postfix
	printf 'sha256=%s\n%s\n' "$maps_hash" "$maps_counts"
}

# The primary by its literal addresses: its names may point here by now.
maps_next_hop() {
	maps_hops=
	for maps_address in $(conf PRIMARY4 ''); do maps_hops="$maps_hops, [$maps_address]:25"; done
	for maps_address in $(conf PRIMARY6 ''); do maps_hops="$maps_hops, [ipv6:$maps_address]:25"; done
	[ -z "$maps_hops" ] || printf 'relay:%s' "${maps_hops#, }"
}

# Prints the hash that the trailer names, after proving it.
maps_check() {
	maps_nul=$(tr '\000\n' '\n\000' <"$1" | head -n 1 | tr -cd '\000' | wc -c)
	[ "$(tr -cd '\000' <"$1" | wc -c)" -eq 0 ] || fail "map bundle line $((maps_nul + 1)): NUL byte"
	maps_last=$(tail -n 1 "$1")
	maps_end=$(wc -l <"$1")
	case $maps_last in
	'sha256 '*) ;;
	*) fail "map bundle line $maps_end: the bundle ends without its sha256 line (truncated)" ;;
	esac
	maps_is=$(head -n -1 "$1" | sha256sum)
	[ "${maps_last#sha256 }" = "${maps_is%% *}" ] || fail "map bundle line $maps_end: sha256 is not that of the lines above"
	printf '%s' "${maps_is%% *}"
}

maps_build() {
	for maps_table in relay_domains relay_recipients aliases transport primary_transport; do
		: >"$maps_new/$maps_table" || fail "cannot write to $maps_new"
	done
	awk -f "$LIB/maps.awk" -v out="$maps_new" -v pair="$maps_pair" -v next_hop="$maps_next" \
		"$maps_new/bundle" 2>"$maps_new/err" || fail "map bundle $(head -n 1 "$maps_new/err")"
	for maps_table in relay_domains relay_recipients aliases transport; do
		postmap "$(maps_type):$maps_new/$maps_table" 2>"$maps_new/err" || fail "postmap: $(head -n 1 "$maps_new/err")"
	done
	rm -f "$maps_new/err"
}

# The table type that this Postfix was built for: hash on Debian 12, lmdb on others.
maps_type() {
	postconf -h default_database_type
}

# A domain that Postfix delivers here would end in local mailboxes instead of in the queue.
maps_not_local() {
	for maps_setting in mydestination virtual_mailbox_domains virtual_alias_domains; do
		for maps_word in $(postfix_setting "$maps_setting" | tr ',' ' '); do
			! grep -qxF "$maps_word" "$1" || fail "$maps_word stands in $maps_setting: its mail would stay on this host"
		done
	done
}

maps_switch() {
	printf '%s\n' "$maps_hash" >"$maps_new/sha256"
	chgrp -R postfix "$maps_new" && chmod -R u=rwX,g=rX,o= "$maps_new" && chmod 0711 "$ETC/maps.d" || fail "chmod $maps_new"
	find "$maps_new" -type f -exec sync {} + && sync "$maps_new" || fail "cannot sync $maps_new"
	maps_folder=$ETC/maps.d/$maps_hash.$(date +%s%N)
	mv "$maps_new" "$maps_folder" && ln -sfn "$maps_folder" "$ETC/maps.new" && mv -T "$ETC/maps.new" "$ETC/maps" ||
		fail "cannot put $ETC/maps in place"
	sync "$ETC/maps.d" "$ETC" || fail "cannot sync $ETC"
	find "$ETC/maps.d" -mindepth 1 -maxdepth 1 ! -path "$maps_folder" -exec rm -rf {} +
}

maps_postfix() {
	maps_kind=$(maps_type)
	postconf -e "relay_domains=$maps_kind:$ETC/maps/relay_domains" \
		"relay_recipient_maps=$maps_kind:$ETC/maps/relay_recipients" \
		"transport_maps=$maps_kind:$ETC/maps/transport" || fail "postconf could not name the maps"
	postfix_reload || fail "postfix reload"
}
