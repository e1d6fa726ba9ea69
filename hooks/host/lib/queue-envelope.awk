# queue-envelope.awk: prints the envelope of message `want` for `queue export`; runs after queue.awk.
#
# Not its job: the content, which postcat prints after it.
# Errors: status 1 and no output when the message is not in the queue.

function message_begin() {
	envelope = ""
}

function recipient_begin() {
	recipient_address = ""
	recipient_reason = ""
}

function recipient_end() {
	envelope = envelope "recipient=" plain(recipient_address) "\nreason=" plain(recipient_reason) "\n"
}

function message_end() {
	if (message_id != want) return
	printf "coldmx-message 1\nid=%s\narrived=%d\nsender=%s\n%s\n", want, message_arrival, plain(message_sender), envelope
	found = 1
}

END {
	exit(failed || !found)
}
