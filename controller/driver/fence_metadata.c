/* See fence_metadata.h. No XML library for two kinds of element: tags and their attributes are looked at, text between
 * them is not, and nothing is ever expanded. What is not as every agent writes it is refused. */
#include "fence_metadata.h"

#include <ctype.h>
#include <string.h>

#define DEPTH_MAX 12

struct scan {
	const char *at, *end;
	int depth;
	bool rooted, over;               /* inside resource-agent, behind it */
	struct metadata_parameter *open; /* whose element is not closed yet */
};

struct tag {
	char name[METADATA_NAME_MAX];
	bool closing, empty;
	/* attributes that matter; "" = not there */
	char attr_name[METADATA_NAME_MAX], replaces[METADATA_NAME_MAX], required[4], deprecated[4];
	bool has_default;
};

static bool starts(const struct scan *s, const char *word)
{
	size_t len = strlen(word);
	return (size_t)(s->end - s->at) >= len && memcmp(s->at, word, len) == 0;
}

/* Behind the next `word`; false when there is none. */
static bool skip_past(struct scan *s, const char *word)
{
	const char *found = memmem(s->at, (size_t)(s->end - s->at), word, strlen(word));
	if (found)
		s->at = found + strlen(word);
	return found != NULL;
}

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_' || c == ':' || c == '.';
}

static bool take_name(struct scan *s, char *out, size_t size)
{
	size_t n = 0;
	while (s->at < s->end && is_name_char(*s->at)) {
		if (n + 1 == size)
			return false;
		out[n++] = *s->at++;
	}
	out[n] = '\0';
	return n > 0;
}

static bool skip_space(struct scan *s)
{
	const char *from = s->at;
	while (s->at < s->end && strchr(" \t\r\n", *s->at) && *s->at)
		s->at++;
	return s->at > from;
}

/* The value fits whole or is none of those that matter. */
static void keep(const char *value, size_t len, char *out, size_t size)
{
	if (len >= size)
		len = 0;
	memcpy(out, value, len);
	out[len] = '\0';
}

static bool take_attribute(struct scan *s, struct tag *tag)
{
	char name[METADATA_NAME_MAX];
	if (!take_name(s, name, sizeof(name)) || s->end - s->at < 2 || s->at[0] != '=' ||
	    (s->at[1] != '"' && s->at[1] != '\''))
		return false;
	char quote = s->at[1];
	const char *value = s->at + 2, *close = memchr(value, quote, (size_t)(s->end - value));
	if (!close || memchr(value, '<', (size_t)(close - value)))
		return false;
	size_t len = (size_t)(close - value);
	s->at = close + 1;
	if (strcmp(name, "name") == 0)
		keep(value, len, tag->attr_name, sizeof(tag->attr_name));
	else if (strcmp(name, "obsoletes") == 0)
		keep(value, len, tag->replaces, sizeof(tag->replaces));
	else if (strcmp(name, "required") == 0)
		keep(value, len, tag->required, sizeof(tag->required));
	else if (strcmp(name, "deprecated") == 0)
		keep(value, len, tag->deprecated, sizeof(tag->deprecated));
	tag->has_default |= strcmp(name, "default") == 0;
	return true;
}

/* From behind "<" to behind ">". */
static bool take_tag(struct scan *s, struct tag *tag)
{
	memset(tag, 0, sizeof(*tag));
	tag->closing = starts(s, "/");
	s->at += tag->closing;
	if (!take_name(s, tag->name, sizeof(tag->name)))
		return false;
	for (;;) {
		bool space = skip_space(s);
		if (starts(s, ">")) {
			s->at++;
			return true;
		}
		if (starts(s, "/>")) {
			s->at += 2;
			tag->empty = true;
			return !tag->closing;
		}
		if (!space || tag->closing || !take_attribute(s, tag))
			return false;
	}
}

static bool is_parameter_name(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_-.", *c))
			return false;
	return name[0] != '\0';
}

static bool add_parameter(struct scan *s, const struct tag *tag, struct fence_metadata *out)
{
	if (s->open || !is_parameter_name(tag->attr_name) || out->nparameters == METADATA_PARAMETERS)
		return false;
	struct metadata_parameter *p = &out->parameter[out->nparameters++];
	memcpy(p->name, tag->attr_name, sizeof(p->name));
	memcpy(p->replaces, tag->replaces, sizeof(p->replaces));
	p->required = strcmp(tag->required, "1") == 0;
	p->deprecated = strcmp(tag->deprecated, "1") == 0;
	s->open = tag->empty ? NULL : p;
	return true;
}

static bool add_action(const struct tag *tag, struct fence_metadata *out)
{
	if (!is_parameter_name(tag->attr_name) || out->nactions == METADATA_ACTIONS)
		return false;
	memcpy(out->action[out->nactions++], tag->attr_name, METADATA_NAME_MAX);
	return true;
}

static bool close_tag(struct scan *s, const struct tag *tag)
{
	if (strcmp(tag->name, "parameter") == 0)
		s->open = NULL;
	if (--s->depth < 0)
		return false;
	if (s->depth == 0) {
		s->over = strcmp(tag->name, "resource-agent") == 0;
		return s->over;
	}
	return true;
}

static bool open_tag(struct scan *s, const struct tag *tag, struct fence_metadata *out)
{
	if (s->over || (!s->rooted && (strcmp(tag->name, "resource-agent") != 0 || tag->empty)))
		return false;
	s->rooted = true;
	if (!tag->empty && ++s->depth > DEPTH_MAX)
		return false;
	if (strcmp(tag->name, "parameter") == 0)
		return add_parameter(s, tag, out);
	if (strcmp(tag->name, "action") == 0)
		return add_action(tag, out);
	if (strcmp(tag->name, "content") == 0 && s->open)
		s->open->has_default |= tag->has_default;
	return true;
}

/* One "<...>". */
static bool take_markup(struct scan *s, struct fence_metadata *out)
{
	struct tag tag;
	if (starts(s, "<!--"))
		return skip_past(s, "-->");
	if (starts(s, "<?"))
		return skip_past(s, "?>");
	s->at++;
	if (!take_tag(s, &tag))
		return false;
	return tag.closing ? close_tag(s, &tag) : open_tag(s, &tag, out);
}

enum err_code fence_metadata_parse(const char *text, size_t len, struct fence_metadata *out, struct err *e)
{
	struct scan s = { .at = text, .end = text + len };
	memset(out, 0, sizeof(*out));
	if (len > METADATA_MAX_BYTES)
		return err_set(e, ERR_INVALID, "its metadata is longer than %d bytes", METADATA_MAX_BYTES);
	while (s.at < s.end) {
		const char *next = memchr(s.at, '<', (size_t)(s.end - s.at));
		if (!next)
			break;
		s.at = next;
		if (!take_markup(&s, out))
			return err_set(e, ERR_INVALID,
				       "its metadata is not what a fence agent says of itself (byte %zu)",
				       (size_t)(next - text));
	}
	if (!s.over)
		return err_set(e, ERR_INVALID, "its metadata is not whole: %s",
			       s.rooted ? "</resource-agent> is missing" : "there is no <resource-agent>");
	return ERR_OK;
}

bool fence_metadata_has_action(const struct fence_metadata *m, const char *name)
{
	for (size_t i = 0; i < m->nactions; i++)
		if (strcmp(m->action[i], name) == 0)
			return true;
	return false;
}

const struct metadata_parameter *fence_metadata_parameter(const struct fence_metadata *m, const char *name)
{
	for (size_t i = 0; i < m->nparameters; i++)
		if (strcmp(m->parameter[i].name, name) == 0)
			return &m->parameter[i];
	return NULL;
}
