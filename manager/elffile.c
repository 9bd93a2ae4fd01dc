/* SPDX-License-Identifier: BSD-3-Clause
 *
 * elffile.c - is this file an ELF shared object that defines that function?
 *
 * It goes the way of the dynamic loader: program headers, dynamic section, symbol and string table; sections are not
 * looked at, since a loader does not need them and `strip` may have taken them. The number of symbols stands
 * nowhere: it is the chain count of DT_HASH, or the end of the last chain of DT_GNU_HASH.
 */
#include "elffile.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sentence.h"

#define SEGMENTS_MAX 256
#define DYNAMIC_MAX 1024 /* entries of the dynamic section */
#define SYMBOLS_MAX (1u << 20)
#define STRINGS_MAX (64u << 20)
#define SUGGESTED_MAX 65536 /* functions looked at for "did you mean" */
#define SHARED "an ELF shared object"

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#elif defined(__riscv)
#define MACHINE EM_RISCV
#elif defined(__powerpc64__)
#define MACHINE EM_PPC64
#elif defined(__s390x__)
#define MACHINE EM_S390
#else
#define MACHINE EM_NONE /* not checked */
#endif
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ORDER ELFDATA2LSB
#else
#define ORDER ELFDATA2MSB
#endif

typedef struct {
    int fd;
    uint64_t size;
    char *error;
    Elf64_Ehdr header;
    Elf64_Phdr segments[SEGMENTS_MAX];
    uint64_t symbols_at, strings_at, strings_size, hash_at, gnu_hash_at, flags;
    Elf64_Sym *symbols;
    size_t symbols_count;
    char *strings; /* strings_size bytes and a NUL */
} image_t;

static emp_status_t fail (image_t *self, emp_status_t status, const char *format, ...) EMP_PRINTF (3, 4);

static emp_status_t fail (image_t *self, emp_status_t status, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    vsnprintf (self->error, EMP_ELF_ERROR_MAX, format, args);
    va_end (args);
    return status;
}

static emp_status_t damaged (image_t *self, const char *what)
{
    return fail (self, EMP_INVALID, "found an ELF file that is damaged in its %s, expected " SHARED, what);
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

static bool read_at (const image_t *self, uint64_t at, void *data, uint64_t size)
{
    if (at > self->size || size > self->size - at)
        return false;
    uint8_t *to = data;
    while (size > 0) {
        ssize_t got = pread (self->fd, to, size, (off_t) at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false; /* it has become shorter */
        to += got;
        at += (uint64_t) got;
        size -= (uint64_t) got;
    }
    return true;
}

/* The same by the address that the bytes would be loaded at. */
static bool read_loaded (const image_t *self, uint64_t address, void *data, uint64_t size)
{
    for (size_t i = 0; i < self->header.e_phnum; i++) {
        const Elf64_Phdr *segment = &self->segments[i];
        if (segment->p_type != PT_LOAD || address < segment->p_vaddr)
            continue;
        uint64_t into = address - segment->p_vaddr;
        if (into > segment->p_filesz || size > segment->p_filesz - into || segment->p_offset > self->size)
            continue;
        return read_at (self, segment->p_offset + into, data,
                        size); /* no overflow: both are below 2^63 or refused there */
    }
    return false;
}

/* ---- what it is ------------------------------------------------------------------------------------------------ */

static const char *other_format (const uint8_t *data, size_t size)
{
    if (size == 0)
        return "an empty file";
    if (size >= 8 && memcmp (data, "!<arch>\n", 8) == 0)
        return "a static library";
    for (size_t i = 0; i < size; i++)
        if ((data[i] < 0x20 && !strchr ("\t\n\r\f\v\033", data[i])) || data[i] == 0 || data[i] == 0x7f)
            return "a file of another format";
    return "a text file";
}

static emp_status_t check_header (image_t *self)
{
    const Elf64_Ehdr *header = &self->header;
    uint8_t start[sizeof *header];
    size_t size = self->size < sizeof start ? (size_t) self->size : sizeof start;
    if (!read_at (self, 0, start, size))
        return fail (self, EMP_SYSTEM, "found a file that cannot be read, expected " SHARED);
    if (size < SELFMAG || memcmp (start, ELFMAG, SELFMAG) != 0)
        return fail (self, EMP_INVALID, "found %s, expected " SHARED, other_format (start, size));
    if (size < sizeof start)
        return damaged (self, "header");
    memcpy (&self->header, start, sizeof start);
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ORDER ||
        (MACHINE != EM_NONE && header->e_machine != MACHINE))
        return fail (self, EMP_INVALID, "found an ELF file for another machine, expected " SHARED " for this one");
    if (header->e_type == ET_REL)
        return fail (self, EMP_INVALID, "found an object file, expected " SHARED " (linked with -shared)");
    if (header->e_type == ET_EXEC)
        return fail (self, EMP_INVALID, "found a program, expected " SHARED " (linked with -shared)");
    if (header->e_type != ET_DYN)
        return fail (self, EMP_INVALID, "found an ELF file of another kind, expected " SHARED);
    return EMP_OK;
}

static void take_dynamic (image_t *self, const Elf64_Dyn *entry)
{
    if (entry->d_tag == DT_SYMTAB)
        self->symbols_at = entry->d_un.d_ptr;
    else if (entry->d_tag == DT_STRTAB)
        self->strings_at = entry->d_un.d_ptr;
    else if (entry->d_tag == DT_STRSZ)
        self->strings_size = entry->d_un.d_val;
    else if (entry->d_tag == DT_HASH)
        self->hash_at = entry->d_un.d_ptr;
    else if (entry->d_tag == DT_GNU_HASH)
        self->gnu_hash_at = entry->d_un.d_ptr;
    else if (entry->d_tag == DT_FLAGS_1)
        self->flags = entry->d_un.d_val;
}

static emp_status_t read_dynamic (image_t *self)
{
    if (self->header.e_phentsize != sizeof *self->segments || self->header.e_phnum > SEGMENTS_MAX ||
        !read_at (self, self->header.e_phoff, self->segments, self->header.e_phnum * sizeof *self->segments))
        return damaged (self, "program headers");
    for (size_t i = 0; i < self->header.e_phnum; i++) {
        const Elf64_Phdr *segment = &self->segments[i];
        for (uint64_t k = 0; segment->p_type == PT_DYNAMIC && k < segment->p_filesz / sizeof (Elf64_Dyn); k++) {
            Elf64_Dyn entry;
            if (k == DYNAMIC_MAX || segment->p_offset > self->size ||
                !read_at (self, segment->p_offset + k * sizeof entry, &entry, sizeof entry))
                return damaged (self, "dynamic section");
            if (entry.d_tag == DT_NULL)
                break;
            take_dynamic (self, &entry);
        }
    }
    if (self->flags & DF_1_PIE)
        return fail (self, EMP_INVALID, "found a program, expected " SHARED " (linked with -shared)");
    return EMP_OK;
}

/* ---- symbols --------------------------------------------------------------------------------------------------- */

/* Behind the last symbol of the last chain. A table with empty buckets only holds no symbol that could be found. */
static bool count_by_gnu_hash (image_t *self, size_t *ret_count)
{
    uint32_t head[4]; /* buckets, first symbol, words of the bloom filter, its shift */
    if (!read_loaded (self, self->gnu_hash_at, head, sizeof head) || head[0] > SYMBOLS_MAX || head[2] > SYMBOLS_MAX)
        return false;
    uint64_t buckets_at = self->gnu_hash_at + sizeof head + head[2] * sizeof (uint64_t);
    uint64_t chains_at = buckets_at + head[0] * sizeof (uint32_t);
    uint32_t last = 0;
    for (uint32_t i = 0; i < head[0]; i++) {
        uint32_t first;
        if (!read_loaded (self, buckets_at + i * sizeof first, &first, sizeof first))
            return false;
        last = first > last ? first : last;
    }
    if (last < head[1]) {
        *ret_count = 0;
        return true;
    }
    for (; last < SYMBOLS_MAX; last++) {
        uint32_t hash;
        if (!read_loaded (self, chains_at + (last - head[1]) * sizeof hash, &hash, sizeof hash))
            return false;
        if (hash & 1) {
            *ret_count = last + 1;
            return true;
        }
    }
    return false;
}

static bool count_symbols (image_t *self, size_t *ret_count)
{
    uint32_t head[2]; /* buckets, chains */
    if (self->gnu_hash_at)
        return count_by_gnu_hash (self, ret_count);
    if (!self->hash_at) {
        *ret_count = 0;
        return true;
    }
    if (!read_loaded (self, self->hash_at, head, sizeof head) || head[1] > SYMBOLS_MAX)
        return false;
    *ret_count = head[1];
    return true;
}

static emp_status_t read_symbols (image_t *self)
{
    if (!count_symbols (self, &self->symbols_count))
        return damaged (self, "hash table");
    if (self->strings_size > STRINGS_MAX || self->strings_size > self->size ||
        self->symbols_count > self->size / sizeof *self->symbols)
        return damaged (self, "symbol table");
    self->symbols = calloc (self->symbols_count + 1, sizeof *self->symbols);
    self->strings = calloc (self->strings_size + 1, 1);
    if (!self->symbols || !self->strings)
        return fail (self, EMP_NOMEM, "%s", emp_status_text (EMP_NOMEM));
    if (self->symbols_count > 0 &&
        (!read_loaded (self, self->symbols_at, self->symbols, self->symbols_count * sizeof *self->symbols) ||
         !read_loaded (self, self->strings_at, self->strings, self->strings_size)))
        return damaged (self, "symbol table");
    return EMP_OK;
}

static const char *name_of (const image_t *self, const Elf64_Sym *symbol)
{
    return symbol->st_name < self->strings_size ? self->strings + symbol->st_name : "";
}

/* Found by dlsym: global or weak, defined here, not hidden. */
static bool is_exported (const Elf64_Sym *symbol)
{
    unsigned binding = ELF64_ST_BIND (symbol->st_info), visibility = ELF64_ST_VISIBILITY (symbol->st_other);
    return (binding == STB_GLOBAL || binding == STB_WEAK) && symbol->st_shndx != SHN_UNDEF &&
           (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}

static bool is_function (const Elf64_Sym *symbol)
{
    unsigned type = ELF64_ST_TYPE (symbol->st_info);
    return type == STT_FUNC || type == STT_GNU_IFUNC;
}

static emp_status_t no_function (image_t *self, const char *function)
{
    char piece[EMP_SENTENCE_MAX], nearest[EMP_SENTENCE_MAX] = "";
    const char **names = calloc (SUGGESTED_MAX + 1, sizeof *names);
    size_t count = 0;
    for (size_t i = 0; names && i < self->symbols_count && count < SUGGESTED_MAX; i++)
        if (is_exported (&self->symbols[i]) && is_function (&self->symbols[i]))
            names[count++] = name_of (self, &self->symbols[i]);
    if (names)
        emp_sentence_nearest (function, names, nearest);
    free (names);
    emp_sentence_text (function, strlen (function), piece);
    return fail (self, EMP_UNKNOWN, "found no function %s among the %zu it exports, expected that one%s", piece, count,
                 nearest);
}

static emp_status_t find_function (image_t *self, const char *function)
{
    char piece[EMP_SENTENCE_MAX];
    const char *instead = NULL;
    for (size_t i = 0; i < self->symbols_count; i++) {
        const Elf64_Sym *symbol = &self->symbols[i];
        if (strcmp (name_of (self, symbol), function) != 0)
            continue;
        if (is_exported (symbol) && is_function (symbol))
            return EMP_OK;
        instead = is_exported (symbol) ? "as a variable" : "used, not defined";
    }
    if (!instead)
        return no_function (self, function);
    emp_sentence_text (function, strlen (function), piece);
    return fail (self, EMP_UNKNOWN, "found %s only %s, expected a function", piece, instead);
}

/* ---- the whole ------------------------------------------------------------------------------------------------- */

/* Not a FIFO that would wait for a writer, and nothing that reading would change. */
static emp_status_t open_regular (image_t *self, const char *path)
{
    self->fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat stat;
    if (self->fd < 0 || fstat (self->fd, &stat) < 0)
        return fail (self, EMP_INVALID, "found \"%s\", expected " SHARED, strerror (errno));
    if (S_ISDIR (stat.st_mode))
        return fail (self, EMP_INVALID, "found a directory, expected " SHARED);
    if (!S_ISREG (stat.st_mode))
        return fail (self, EMP_INVALID, "found no regular file, expected " SHARED);
    self->size = (uint64_t) stat.st_size;
    return EMP_OK;
}

emp_status_t emp_elf_check (const char *path, const char *function, char *ret_error)
{
    image_t *self = calloc (1, sizeof *self);
    if (!self) {
        snprintf (ret_error, EMP_ELF_ERROR_MAX, "%s", emp_status_text (EMP_NOMEM));
        return EMP_NOMEM;
    }
    self->error = ret_error;
    emp_status_t status = open_regular (self, path);
    if (!status)
        status = check_header (self);
    if (!status)
        status = read_dynamic (self);
    if (!status)
        status = read_symbols (self);
    if (!status)
        status = find_function (self, function);
    if (self->fd >= 0)
        close (self->fd);
    free (self->symbols);
    free (self->strings);
    free (self);
    return status;
}
