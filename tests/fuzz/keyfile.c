/* SPDX-License-Identifier: BSD-3-Clause
 *
 * keyfile.c - any bytes as a file of the key ring: keys and words as they have to be, which are the same when written and read again;
 * or a sentence that a terminal may see.
 */
#include "common/keyfile.h"

#include "common/utf8.h"
#include "fuzz.h"

static void printable (const char *text)
{
    const uint8_t *at = (const uint8_t *) text, *end = at + strlen (text);
    FUZZ_MUST (at < end);
    while (at < end) {
        uint32_t code;
        size_t step = emp_utf8_step (at, end, &code);
        FUZZ_MUST (step > 0 && !emp_utf8_is_control (code));
        at += step;
    }
}

static void parse (const char *text, size_t size, bool secret)
{
    char why[EMP_KEYFILE_WHY_MAX] = "", again[EMP_KEYFILE_MAX], bad[EMP_KEYRING_WHY_MAX];
    emp_keyfile_t file, second;
    if (!emp_keyfile_parse (text, size, secret, &file, why)) {
        printable (why);
        return;
    }
    FUZZ_MUST (emp_key_check (file.pair.public_key, bad) == EMP_OK && file.since >= 0);
    FUZZ_MUST (secret ? emp_key_check (file.pair.secret_key, bad) == EMP_OK : !*file.pair.secret_key);
    size = emp_keyfile_print (&file, again);
    FUZZ_MUST (size < sizeof again && emp_keyfile_parse (again, size, secret, &second, why));
    FUZZ_MUST (strcmp (file.pair.public_key, second.pair.public_key) == 0 &&
               strcmp (file.pair.secret_key, second.pair.secret_key) == 0 && file.role == second.role &&
               file.since == second.since);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    parse ((const char *) data, size, false);
    parse ((const char *) data, size, true);
    return 0;
}

/* ---- seeds: ours, and one as zcert writes it -------------------------------------------------------------------------------- */

void fuzz_seeds (fuzz_seed_fn *write)
{
    static const char theirs[] =
        "#   ****  Generated on 2026-11-25 18:05:27 by CZMQ  ****\n#   ZeroMQ CURVE Public Certificate\n\n"
        "metadata\n    email = \"somebody@example.org\"\n    role = 'manager' # a comment\n"
        "curve\n    public-key = \"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID\"\n";
    char text[EMP_KEYFILE_MAX];
    emp_keyfile_t file = {
        .pair.public_key = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", .role = EMP_KEY_WORKER, .since = 1795629927};
    write ("allowed", text, emp_keyfile_print (&file, text));
    file = (emp_keyfile_t){
        .pair = {"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"}};
    write ("self", text, emp_keyfile_print (&file, text));
    write ("zcert", theirs, sizeof theirs - 1);
}
