/* Records that own their bodies; see rows.h. */
#include "rows.h"

#include <stdlib.h>

#include "../../common/base/mem.h"

void store_rows_add(struct store_rows *rows, const struct record *rec, const struct store_mark *mark)
{
	if (rows->count == rows->cap) {
		rows->cap = rows->cap ? rows->cap * 2 : 16;
		rows->rec = mem_realloc(rows->rec, rows->cap, sizeof(*rows->rec));
		rows->mark = mem_realloc(rows->mark, rows->cap, sizeof(*rows->mark));
	}
	rows->rec[rows->count] = *rec;
	rows->rec[rows->count].body = mem_strdup(rec->body);
	rows->mark[rows->count] = *mark;
	rows->count++;
}

void store_rows_fini(struct store_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		free((void *)(uintptr_t)rows->rec[i].body);
	free(rows->rec);
	free(rows->mark);
	*rows = (struct store_rows)STORE_ROWS_INIT;
}
