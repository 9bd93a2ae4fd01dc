/* SPDX-License-Identifier: BSD-3-Clause
 *
 * elffile.c - any bytes as a module's file: good, or refused with a sentence.
 */
#include "manager/elffile.h"

#include <elf.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    char path[64], error[EMP_ELF_ERROR_MAX] = "";
    int fd = fuzz_file (data, size, path);
    FUZZ_MUST (emp_elf_check (path, "f", error) == EMP_OK || *error);
    close (fd);
    return 0;
}

/* ---- seeds: the smallest shared object that has a function f ------------------------------------------------------------ */

void fuzz_seeds (fuzz_seed_fn *write)
{
    static const char texts[] = "\0f";
    struct {
        Elf64_Ehdr head;
        Elf64_Phdr load, dynamic;
        Elf64_Dyn tags[6];
        uint32_t hash[5];
        char strings[12];
        Elf64_Sym symbols[2];
    } file;
    memset (&file, 0, sizeof file);
    memcpy (file.head.e_ident, ELFMAG, SELFMAG);
    file.head.e_ident[EI_CLASS] = ELFCLASS64;
    file.head.e_ident[EI_DATA] = ELFDATA2LSB;
    file.head.e_ident[EI_VERSION] = file.head.e_version = EV_CURRENT;
    file.head.e_type = ET_DYN;
    file.head.e_machine = EM_X86_64;
    file.head.e_ehsize = sizeof file.head;
    file.head.e_phoff = sizeof file.head;
    file.head.e_phentsize = sizeof file.load;
    file.head.e_phnum = 2;
#define AT(field) ((uint64_t) ((const char *) &file.field - (const char *) &file))
    file.load = (Elf64_Phdr){.p_type = PT_LOAD, .p_filesz = sizeof file, .p_memsz = sizeof file, .p_flags = PF_R};
    file.dynamic = (Elf64_Phdr){.p_type = PT_DYNAMIC,
                                .p_offset = AT (tags),
                                .p_vaddr = AT (tags),
                                .p_filesz = sizeof file.tags,
                                .p_memsz = sizeof file.tags};
    file.tags[0] = (Elf64_Dyn){.d_tag = DT_STRTAB, .d_un.d_val = AT (strings)};
    file.tags[1] = (Elf64_Dyn){.d_tag = DT_STRSZ, .d_un.d_val = sizeof file.strings};
    file.tags[2] = (Elf64_Dyn){.d_tag = DT_SYMTAB, .d_un.d_val = AT (symbols)};
    file.tags[3] = (Elf64_Dyn){.d_tag = DT_SYMENT, .d_un.d_val = sizeof *file.symbols};
    file.tags[4] = (Elf64_Dyn){.d_tag = DT_HASH, .d_un.d_val = AT (hash)};
    file.hash[0] = 1; /* buckets */
    file.hash[1] = 2; /* symbols */
    file.hash[2] = 1;
    memcpy (file.strings, texts, sizeof texts);
    file.symbols[1].st_name = 1;
    file.symbols[1].st_info = ELF64_ST_INFO (STB_GLOBAL, STT_FUNC);
    file.symbols[1].st_shndx = 1;
    file.symbols[1].st_value = 64;
    write ("function", &file, sizeof file);
    write ("cut", &file, sizeof file.head + sizeof file.load);
}
