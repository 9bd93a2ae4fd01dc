/* SPDX-License-Identifier: BSD-3-Clause
 *
 * yaml.c - a YAML text as a tree in which every value knows its place.
 *
 * It is built from the parser's events, not taken from its document builder: that one gives no place of lists and maps,
 * and compares every key of a map with every other.
 */
#include "yaml.h"

#include <assert.h>
#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

#include "../common/utf8.h"
#include "sentence.h"

#define BLOCK_BYTES 65536 /* of the arena */
#define LEVEL "[ERR]: "   /* before what libfyaml says without a place */

typedef struct block {
    struct block *next;
    size_t used, room;
    max_align_t bytes[];
} block_t;

struct emp_yaml {
    block_t *blocks;
    unsigned resolved; /* steps through aliases so far */
};

typedef struct {
    const char *name;
    emp_yaml_node_t *node;
} anchor_t;

/* A list or map whose end was not read yet. */
typedef struct {
    emp_yaml_node_t *node;
    emp_yaml_node_t **tail;
    const emp_yaml_node_t *key; /* of a map: read, its value was not */
    size_t count;
} level_t;

typedef struct {
    emp_yaml_t *tree;
    emp_diag_t *diag;
    struct fy_parser *parser;
    emp_yaml_node_t *root;
    level_t levels[EMP_YAML_DEPTH_MAX];
    size_t depth;
    anchor_t anchors[EMP_YAML_ALIASES_MAX];
    size_t anchors_count, aliases_count, nodes_count, documents_count;
    size_t last;    /* offset behind the last value: the place of one that is left out */
    char said[256]; /* what libfyaml said without a place */
} build_t;

/* ---- memory ---------------------------------------------------------------------------------------------------- */

static void *take (emp_yaml_t *self, size_t size)
{
    size_t step = (size + sizeof (max_align_t) - 1) / sizeof (max_align_t) * sizeof (max_align_t);
    block_t *block = self->blocks;
    if (!block || block->room - block->used < step) {
        size_t room = step > BLOCK_BYTES ? step : BLOCK_BYTES;
        block = malloc (sizeof *block + room);
        if (!block)
            return NULL;
        *block = (block_t){.next = self->blocks, .room = room};
        self->blocks = block;
    }
    void *bytes = (char *) block->bytes + block->used;
    block->used += step;
    return bytes;
}

static char *take_text (emp_yaml_t *self, const char *text, size_t size)
{
    char *copy = take (self, size + 1);
    if (!copy)
        return NULL;
    if (size > 0)
        memcpy (copy, text, size);
    copy[size] = '\0';
    return copy;
}

void emp_yaml_destroy (emp_yaml_t **self_p)
{
    emp_yaml_t *self = *self_p;
    if (!self)
        return;
    while (self->blocks) {
        block_t *block = self->blocks;
        self->blocks = block->next;
        free (block);
    }
    free (self);
    *self_p = NULL;
}

/* ---- nodes ----------------------------------------------------------------------------------------------------- */

static emp_status_t fail_at (build_t *self, size_t offset, const char *sentence)
{
    emp_diag_error (self->diag, offset, "%s", sentence);
    return EMP_INVALID;
}

/* Where an event stands; an empty value has no mark of its own and stands behind what came before it. */
static uint32_t offset_of (build_t *self, struct fy_event *event)
{
    const struct fy_mark *start = fy_event_start_mark (event);
    const struct fy_mark *end = fy_event_end_mark (event);
    size_t offset = start ? start->input_pos : self->last;
    if (end && end->input_pos > self->last)
        self->last = end->input_pos;
    struct fy_token *value = event->type == FYET_SCALAR ? event->scalar.value : NULL;
    enum fy_scalar_style style = value ? fy_token_scalar_style (value) : FYSS_PLAIN;
    bool quoted = style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
    if (offset > 0 && (quoted || event->type == FYET_ALIAS))
        offset--; /* the mark is behind the quote or the * */
    return (uint32_t) (offset < self->diag->size ? offset : self->diag->size);
}

static emp_status_t read_text (build_t *self, struct fy_token *token, const char **ret_text, size_t *ret_size)
{
    size_t size = 0;
    const char *text = token ? fy_token_get_text (token, &size) : "";
    if (!text)
        size = 0;
    const char *copy = take_text (self->tree, text, size);
    if (!copy)
        return EMP_NOMEM;
    *ret_text = copy;
    *ret_size = size;
    return EMP_OK;
}

static emp_status_t new_node (build_t *self, struct fy_event *event, emp_yaml_kind_t kind, emp_yaml_node_t **ret_node)
{
    uint32_t offset = offset_of (self, event);
    if (++self->nodes_count > EMP_YAML_NODES_MAX)
        return fail_at (self, offset, "found more than 1000000 values, expected fewer");
    emp_yaml_node_t *node = take (self->tree, sizeof *node);
    if (!node)
        return EMP_NOMEM;
    *node = (emp_yaml_node_t){.kind = kind, .offset = offset};
    struct fy_token *tag = kind == EMP_YAML_ALIAS ? NULL : fy_event_get_tag_token (event);
    size_t size;
    emp_status_t status = tag ? read_text (self, tag, &node->tag, &size) : EMP_OK;
    if (!status)
        *ret_node = node;
    return status;
}

static emp_status_t remember_anchor (build_t *self, struct fy_event *event, emp_yaml_node_t *node)
{
    struct fy_token *token = fy_event_get_anchor_token (event);
    if (!token)
        return EMP_OK;
    if (self->anchors_count == EMP_YAML_ALIASES_MAX)
        return fail_at (self, node->offset, "found more than 1000 anchors, expected fewer");
    anchor_t *anchor = &self->anchors[self->anchors_count];
    size_t size;
    emp_status_t status = read_text (self, token, &anchor->name, &size);
    if (status)
        return status;
    anchor->node = node;
    self->anchors_count++;
    return EMP_OK;
}

/* The last anchor of a name counts, as YAML has it. */
static emp_status_t find_anchor (build_t *self, struct fy_event *event, emp_yaml_node_t *node)
{
    const char *name;
    size_t size;
    if (++self->aliases_count > EMP_YAML_ALIASES_MAX)
        return fail_at (self, node->offset, "found more than 1000 aliases, expected fewer");
    emp_status_t status = read_text (self, event->alias.anchor, &name, &size);
    if (status)
        return status;
    for (size_t i = self->anchors_count; i > 0 && !node->first; i--)
        if (strcmp (self->anchors[i - 1].name, name) == 0)
            node->first = self->anchors[i - 1].node;
    char piece[EMP_SENTENCE_MAX];
    emp_sentence_text (name, size, piece);
    if (node->first && !node->first->open)
        return EMP_OK;
    emp_diag_error (self->diag, node->offset, "found an alias of %s, expected one of %s", piece,
                    node->first ? "a value that is complete" : "an anchor (&) before it");
    return EMP_INVALID;
}

/* ---- maps ------------------------------------------------------------------------------------------------------ */

/* By text, whether quoted or not: a map with the keys 1 and "1" is more likely an oversight than a wish. Equal ones
 * in the order of the file. */
static int compare_keys (const void *a_p, const void *b_p)
{
    const emp_yaml_node_t *a = *(const emp_yaml_node_t *const *) a_p, *b = *(const emp_yaml_node_t *const *) b_p;
    int order = memcmp (a->text, b->text, a->size < b->size ? a->size : b->size);
    if (order == 0)
        order = (a->size > b->size) - (a->size < b->size);
    return order ? order : (a->offset > b->offset) - (a->offset < b->offset);
}

static emp_status_t check_keys (build_t *self, const level_t *level)
{
    const emp_yaml_node_t **keys = calloc (level->count + 1, sizeof *keys);
    if (!keys)
        return EMP_NOMEM;
    size_t count = 0;
    for (const emp_yaml_node_t *value = level->node->first; value; value = value->next)
        keys[count++] = value->key;
    qsort (keys, count, sizeof *keys, compare_keys);
    emp_status_t status = EMP_OK;
    for (size_t i = 1; i < count && !emp_diag_is_full (self->diag); i++) {
        const emp_yaml_node_t *first = keys[i - 1], *second = keys[i];
        if (first->size != second->size || memcmp (first->text, second->text, first->size) != 0)
            continue;
        char piece[EMP_SENTENCE_MAX];
        emp_sentence_text (second->text, second->size, piece);
        emp_diag_error (self->diag, second->offset, "found the key %s again, expected it once (first at line %u)",
                        piece, emp_diag_line (self->diag, first->offset));
        status = EMP_INVALID;
    }
    free (keys);
    return status;
}

/* ---- events ---------------------------------------------------------------------------------------------------- */

/* Puts a value where it belongs: the root, the end of a list, a key or a value of a map. */
static emp_status_t add (build_t *self, emp_yaml_node_t *node)
{
    if (self->depth == 0) {
        self->root = node;
        return EMP_OK;
    }
    level_t *level = &self->levels[self->depth - 1];
    if (level->node->kind == EMP_YAML_MAP && !level->key) {
        if (node->kind != EMP_YAML_SCALAR)
            return fail_at (self, node->offset,
                            "found a list, a map or an alias as a key, expected a text or a number");
        level->key = node;
        return EMP_OK;
    }
    node->key = level->key;
    level->key = NULL;
    *level->tail = node;
    level->tail = &node->next;
    level->count++;
    return EMP_OK;
}

static emp_status_t on_scalar (build_t *self, struct fy_event *event)
{
    emp_yaml_node_t *node = NULL;
    emp_status_t status = new_node (self, event, EMP_YAML_SCALAR, &node);
    if (!status)
        status = read_text (self, event->scalar.value, &node->text, &node->size);
    if (status)
        return status;
    node->plain = !event->scalar.value || fy_token_scalar_style (event->scalar.value) == FYSS_PLAIN;
    status = remember_anchor (self, event, node);
    return status ? status : add (self, node);
}

static emp_status_t on_start (build_t *self, struct fy_event *event, emp_yaml_kind_t kind)
{
    emp_yaml_node_t *node = NULL;
    emp_status_t status = new_node (self, event, kind, &node);
    if (!status)
        status = remember_anchor (self, event, node);
    if (!status)
        status = add (self, node);
    if (status)
        return status;
    if (self->depth == EMP_YAML_DEPTH_MAX)
        return fail_at (self, node->offset, "found a value nested deeper than 64 levels, expected fewer");
    node->open = true;
    self->levels[self->depth++] = (level_t){.node = node, .tail = &node->first};
    return EMP_OK;
}

static emp_status_t on_end (build_t *self)
{
    assert (self->depth > 0);
    level_t *level = &self->levels[--self->depth];
    level->node->open = false;
    return level->node->kind == EMP_YAML_MAP ? check_keys (self, level) : EMP_OK;
}

static emp_status_t on_alias (build_t *self, struct fy_event *event)
{
    emp_yaml_node_t *node = NULL;
    emp_status_t status = new_node (self, event, EMP_YAML_ALIAS, &node);
    if (!status)
        status = find_anchor (self, event, node);
    return status ? status : add (self, node);
}

static emp_status_t on_event (build_t *self, struct fy_event *event)
{
    switch (event->type) {
    case FYET_SCALAR: return on_scalar (self, event);
    case FYET_ALIAS: return on_alias (self, event);
    case FYET_SEQUENCE_START: return on_start (self, event, EMP_YAML_LIST);
    case FYET_MAPPING_START: return on_start (self, event, EMP_YAML_MAP);
    case FYET_SEQUENCE_END:
    case FYET_MAPPING_END: offset_of (self, event); return on_end (self);
    case FYET_DOCUMENT_START:
        if (self->documents_count++ > 0)
            return fail_at (self, offset_of (self, event), "found a second document, expected one");
        return EMP_OK;
    case FYET_NONE:
    case FYET_STREAM_START:
    case FYET_STREAM_END:
    case FYET_DOCUMENT_END: return EMP_OK;
    }
    return EMP_OK;
}

/* ---- the parser ------------------------------------------------------------------------------------------------ */

/* Keeps what libfyaml would print; its collected errors, which have places, are asked for afterwards. */
static void keep_words (struct fy_diag *diag, void *self_p, const char *text, size_t size)
{
    (void) diag;
    build_t *self = self_p;
    size_t had = strlen (self->said);
    size_t room = sizeof self->said - 1 - had;
    memcpy (self->said + had, text, size < room ? size : room);
}

static void report_syntax (build_t *self, struct fy_diag *diag)
{
    void *iterator = NULL;
    struct fy_diag_error *error;
    unsigned before = self->diag->errors;
    while ((error = fy_diag_errors_iterate (diag, &iterator)))
        emp_diag_error (self->diag,
                        emp_diag_offset (self->diag, error->line > 0 ? (unsigned) error->line : 1,
                                         error->column > 0 ? (unsigned) error->column : 1),
                        "found text that is not YAML: %s", error->msg);
    self->said[strcspn (self->said, "\n")] = '\0';
    size_t skip = strncmp (self->said, LEVEL, strlen (LEVEL)) == 0 ? strlen (LEVEL) : 0;
    if (self->diag->errors == before)
        emp_diag_error (self->diag, 0, "found text that is not YAML: %s", self->said + skip);
}

/* libfyaml 0.7.12 never returns from a line that begins with % and holds what is no UTF-8, and passes over some control
 * characters: neither is shown to it. */
static emp_status_t check_text (build_t *self)
{
    const uint8_t *start = (const uint8_t *) self->diag->text, *end = start + self->diag->size;
    for (const uint8_t *at = start; at < end;) {
        uint32_t code = 0;
        size_t step = emp_utf8_step (at, end, &code);
        if (step == 0 || (emp_utf8_is_control (code) && code != '\t' && code != '\n' && code != '\r')) {
            emp_diag_error (self->diag, (size_t) (at - start), "found %s (byte 0x%02x), expected YAML in UTF-8",
                            step > 0 ? "a control character" : "text that is not UTF-8", *at);
            return EMP_INVALID;
        }
        at += step;
    }
    return EMP_OK;
}

static emp_status_t run (build_t *self, struct fy_diag *diag)
{
    struct fy_event *event;
    emp_status_t status = EMP_OK;
    if (fy_parser_set_string (self->parser, self->diag->text, self->diag->size))
        return EMP_NOMEM;
    while (!status && (event = fy_parser_parse (self->parser))) {
        status = on_event (self, event);
        fy_parser_event_free (self->parser, event);
    }
    if (!status && fy_parser_get_stream_error (self->parser)) {
        report_syntax (self, diag);
        status = EMP_INVALID;
    }
    return status;
}

static emp_status_t build (build_t *self)
{
    struct fy_diag_cfg diag_cfg;
    fy_diag_cfg_default (&diag_cfg);
    diag_cfg.fp = NULL;
    diag_cfg.output_fn = keep_words;
    diag_cfg.user = self;
    diag_cfg.colorize = false;
    struct fy_diag *diag = fy_diag_create (&diag_cfg);
    if (!diag)
        return EMP_NOMEM;
    fy_diag_set_collect_errors (diag, true);
    struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_JSON_NONE, .diag = diag};
    self->parser = fy_parser_create (&cfg);
    emp_status_t status = self->parser ? run (self, diag) : EMP_NOMEM;
    if (self->parser)
        fy_parser_destroy (self->parser);
    fy_diag_destroy (diag);
    return status;
}

emp_status_t emp_yaml_parse (emp_diag_t *diag, emp_yaml_t **ret_self, const emp_yaml_node_t **ret_root)
{
    emp_yaml_t *tree = calloc (1, sizeof *tree);
    build_t *state = calloc (1, sizeof *state);
    emp_status_t status = EMP_NOMEM;
    if (tree && state) {
        state->tree = tree;
        state->diag = diag;
        status = check_text (state);
        if (!status)
            status = build (state);
    }
    if (!status) {
        *ret_root = state->root;
        *ret_self = tree;
    } else
        emp_yaml_destroy (&tree);
    free (state);
    return status;
}

const emp_yaml_node_t *emp_yaml_resolve (emp_yaml_t *self, const emp_yaml_node_t *node)
{
    while (node->kind == EMP_YAML_ALIAS) {
        if (++self->resolved > EMP_YAML_ALIASES_MAX)
            return NULL;
        node = node->first;
    }
    return node;
}

bool emp_yaml_is (const emp_yaml_node_t *node, const char *text)
{
    return node->kind == EMP_YAML_SCALAR && node->size == strlen (text) && memcmp (node->text, text, node->size) == 0;
}
