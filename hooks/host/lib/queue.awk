# queue.awk: walks the lines of `postqueue -j` and calls message_* functions of the program given after it.
#
# A line is one JSON object. Once the escapes \\ and \" are out of the way, every quote left is a delimiter: what stands
# between quotes is text and can never change the structure, whatever an address or a server's reply contains. The cost
# is linear in the length of the line.
# Not its job: judging a message (queue-digest.awk, queue-envelope.awk).
# Errors: a line that is not an object with a queue_id ends the program with status 1.

{
	walk($0)
}

function walk(line, parts, count, i, outside, depth, key, inside) {
	if (line ~ /[\001\002]/) broken("control character")
	gsub(/\\\\/, "\001", line)
	gsub(/\\"/, "\002", line)
	count = split(line, parts, "\"")
	if (count < 3 || count % 2 == 0 || parts[1] !~ /^[ \t]*\{[ \t]*$/) broken("not a JSON object")
	message_id = ""
	message_begin()
	depth = 1
	key = ""
	for (i = 2; i <= count; i++) {
		if (i % 2 == 0) {
			inside = parts[i]
			continue
		}
		outside = parts[i]
		if (outside ~ /^[ \t]*:/ && key == "") {
			key = inside
			sub(/^[ \t]*:[ \t]*/, "", outside)
			if (outside ~ /^[0-9a-z]/) number(depth, key, outside)
			if (outside != "") key = ""
		} else if (key != "") {
			text(depth, key, inside)
			key = ""
		}
		depth = nest(depth, outside)
	}
	if (depth != 0 || message_id == "") broken("an object without end or queue_id")
	message_end()
}

# Follows the braces between two strings, and says where a recipient begins and ends.
function nest(depth, outside, n, c) {
	for (n = 1; n <= length(outside); n++) {
		c = substr(outside, n, 1)
		if (c == "{") {
			depth++
			if (depth == 2) recipient_begin()
		} else if (c == "}") {
			if (depth == 2) recipient_end()
			depth--
		}
	}
	return depth
}

function number(depth, key, value) {
	if (depth == 1 && key == "arrival_time") message_arrival = value + 0
}

function text(depth, key, value) {
	if (depth == 1 && key == "queue_id") message_id = value
	if (depth == 1 && key == "sender") message_sender = value
	if (depth == 2 && key == "address") recipient_address = value
	if (depth == 2 && key == "delay_reason") recipient_reason = value
}

# A JSON string as it was, but for \u escapes, which stay.
function plain(value) {
	gsub(/\002/, "\"", value)
	gsub(/\001/, "\\", value)
	return value
}

function broken(why) {
	printf "postqueue -j line %d: %s\n", NR, why > "/dev/stderr"
	failed = 1
	exit 1
}
