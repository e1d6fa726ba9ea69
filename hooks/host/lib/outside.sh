# outside.sh: for controls that test the running listener as a stranger would, without leaving the host.
#
# A connection from one of the host's own global addresses to itself passes the loopback interface, so a closed port 25
# does not stop it, and Postfix sees a client that is not in mynetworks.
# Not its job: what only another host can see (the controller's verify-outside).
# Errors: functions print nothing where there is nothing.
# shellcheck shell=sh

# Global addresses of the families that Postfix serves, one a line.
outside_addresses() {
	case $(postconf -xh inet_protocols) in
	ipv4) outside_family=-4 ;;
	ipv6) outside_family=-6 ;;
	*) outside_family= ;;
	esac
	# shellcheck disable=SC2086 # empty means both families
	ip $outside_family -o addr show scope global | awk '$3 ~ /^inet/ && !/tentative|dadfailed|deprecated/ { sub(/\/.*/, "", $4); print $4 }'
}

outside_domain() {
	head -n 1 "$COLDMX_ETC/maps/domains" 2>/dev/null
}

# A recipient whom the maps know by full address.
outside_known() {
	sed -n 's/^\([a-z0-9][a-z0-9._+-]*@[a-z0-9._-]*\)	.*/\1/p' "$COLDMX_ETC/maps/relay_recipients" 2>/dev/null | head -n 1
}
