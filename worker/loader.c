/* SPDX-License-Identifier: BSD-3-Clause
 *
 * loader.c - see loader.h.
 */
#include "loader.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>

/* dlsym also looks into the libraries that an object needs; a worker_ref "printf" shall not find libc's. */
static bool is_function_of (void *object, void *symbol)
{
    struct link_map *map;
    Dl_info info;
    void *entry = NULL;
    if (dlinfo (object, RTLD_DI_LINKMAP, &map) != 0 || dladdr1 (symbol, &info, &entry, RTLD_DL_SYMENT) == 0)
        return false;
    const ElfW (Sym) *elf = entry;
    bool is_data = elf && info.dli_saddr == symbol && ELF64_ST_TYPE (elf->st_info) == STT_OBJECT;
    return !is_data && (uintptr_t) info.dli_fbase == (uintptr_t) map->l_addr;
}

emp_status_t emp_loader_open (const char *path, const char *ref, emp_worker_fn **ret_function, char *ret_error)
{
    void *object = dlopen (path, RTLD_NOW | RTLD_LOCAL);
    if (!object) {
        const char *why = dlerror ();
        size_t size = strlen (path);
        if (strncmp (why, path, size) == 0 && strncmp (why + size, ": ", 2) == 0)
            why += size + 2;
        snprintf (ret_error, EMP_LOADER_ERROR_MAX + 1, "worker module %s cannot be loaded: %s", path, why);
        return EMP_INVALID;
    }
    void *symbol = dlsym (object, ref);
    if (!symbol || !is_function_of (object, symbol)) {
        snprintf (ret_error, EMP_LOADER_ERROR_MAX + 1, "worker module %s has no function \"%s\"", path, ref);
        return EMP_INVALID;
    }
    /* ISO C has no cast from an object's pointer to a function's; POSIX says that their bytes are the same. */
    memcpy (ret_function, &symbol, sizeof symbol);
    return EMP_OK;
}
