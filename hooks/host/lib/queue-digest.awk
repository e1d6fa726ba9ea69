# queue-digest.awk: counts the queue for `queue status`; runs after queue.awk.
#
# A message is refused when every recipient that remains was answered 5xx by the next hop: only a reason that begins
# with the server's own reply counts. A server that would not talk at all (`refused to talk to me`) says nothing about
# the message, which waits.
# How many messages were refused with the same words tells a policy against this host from a recipient who has gone.
# Not its job: hold and soft_bounce (queue.sh).
# Errors: none of its own; after an error of queue.awk nothing is printed.

function message_begin() {
	recipients = 0
	answered = 0
}

function recipient_begin() {
	recipient_reason = ""
}

function recipient_end() {
	recipients++
	if (recipient_reason !~ /^host [^ ]+ said: 5[0-9][0-9][ -]/) return
	answered++
	last_reason = recipient_reason
}

# The words without what differs from message to message: addresses, and the host and command around the reply.
function words_of(reason) {
	reason = plain(substr(reason, 1, 400))
	sub(/^host [^ ]+ said: /, "", reason)
	sub(/ \(in reply to [A-Za-z ]*( command)?\)$/, "", reason)
	gsub(/<[^<>]*>/, "<>", reason)
	gsub(/[^ -~]/, "?", reason)
	return substr(reason, 1, 120)
}

function count_words(words) {
	if (++seen[words] <= alike) return
	alike = seen[words]
	alike_reason = words
}

function message_end() {
	total++
	if (recipients == 0 || answered < recipients) return
	refused++
	count_words(words_of(last_reason))
	if (refused <= 32 && message_id ~ /^[0-9A-Za-z]+$/) ids = ids "refused_id=" message_id "\n"
}

END {
	if (failed) exit 1
	total += corrupt
	printf "total=%d\nrefused=%d\nwaiting=%d\n", total, refused, total - refused
	printf "hold=%s\nsoft_bounce=%s\nalike=%d\nreason=%s\n%s", hold, soft_bounce, alike, alike_reason, ids
}
