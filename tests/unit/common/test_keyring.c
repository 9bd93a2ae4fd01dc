/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <czmq.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/keyring.h"

#define ONE "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID" /* the keys of the manual of zmq_curve */
#define TWO "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define NOBODY 65534

/* In the place of libc's: the wall's clock goes so many seconds ahead of the kernel's. */
static time_t ahead;
int clock_gettime (clockid_t clock, struct timespec *ret_time)
{
    long rc = syscall (SYS_clock_gettime, clock, ret_time);
    if (rc == 0 && clock == CLOCK_REALTIME)
        ret_time->tv_sec += ahead;
    return (int) rc;
}

/* The same of these: times of files as old kernels and some network file systems have them, in whole seconds. */
static bool coarse;
int fstatat (int folder, const char *restrict name, struct stat *restrict ret_is, int flags)
{
    int rc = (int) syscall (SYS_newfstatat, folder, name, ret_is, flags);
    if (rc == 0 && coarse)
        ret_is->st_ctim.tv_nsec = 0;
    return rc;
}
int fstat (int fd, struct stat *ret_is)
{
    return fstatat (fd, "", ret_is, AT_EMPTY_PATH);
}

/* The same of openat: once, before a file of this name is opened, something else happens. */
static const char *awaited;
static void (*meanwhile) (void);
int openat (int folder, const char *name, int flags, ...)
{
    va_list args;
    va_start (args, flags);
    unsigned mode = flags & O_CREAT ? va_arg (args, unsigned) : 0;
    va_end (args);
    if (awaited && strcmp (name, awaited) == 0) {
        awaited = NULL;
        meanwhile ();
    }
    return (int) syscall (SYS_openat, folder, name, flags, mode);
}

static char folder[64], ring[128], why[EMP_KEYRING_WHY_MAX];

static const char *in (const char *name)
{
    static char path[512];
    snprintf (path, sizeof path, "%s/%s", ring, name);
    return path;
}

static void make_folder (void)
{
    strcpy (folder, "/tmp/emp-unit-XXXXXX");
    cr_assert_not_null (mkdtemp (folder));
    snprintf (ring, sizeof ring, "%s/ring", folder);
}

static int remove_one (const char *path, const struct stat *is, int kind, struct FTW *at)
{
    (void) is, (void) kind, (void) at;
    return remove (path);
}

static void remove_folder (void)
{
    nftw (folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite (keyring, .timeout = 60, .init = make_folder, .fini = remove_folder);

static void write_file (const char *name, const char *text)
{
    int fd = open (in (name), O_CREAT | O_WRONLY | O_TRUNC, 0600);
    cr_assert_geq (fd, 0, "%s", in (name));
    cr_assert_eq (write (fd, text, strlen (text)), (ssize_t) strlen (text));
    close (fd);
}

static void write_key (const char *name, const char *key)
{
    char text[256];
    snprintf (text, sizeof text, "curve\n    public-key = \"%s\"\n", key);
    write_file (name, text);
}

static unsigned mode_of (const char *path)
{
    struct stat is;
    cr_assert_eq (stat (path, &is), 0, "%s", path);
    return (unsigned) is.st_mode & 07777;
}

static bool exists (const char *name)
{
    return faccessat (AT_FDCWD, in (name), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

#define SAYS(text) cr_assert_not_null (strstr (why, text), "'%s' does not say '%s'", why, text)

/* The ring and its folder of allowed keys, as the first call makes them. */
static void make_ring (void)
{
    cr_assert_eq (mkdir (ring, 0700), 0);
    cr_assert_eq (mkdir (in ("allowed"), 0700), 0);
}

static emp_status_t allow (const char *key, const char *name, emp_key_role_t role, emp_key_change_t *ret_change)
{
    emp_allowed_key_t wish = {.role = role, .since = 1795629927}, got;
    emp_key_change_t change = EMP_KEY_UNCHANGED;
    snprintf (wish.public_key, sizeof wish.public_key, "%s", key);
    snprintf (wish.name, sizeof wish.name, "%s", name);
    emp_status_t status = emp_keyring_allow (ring, &wish, &got, &change, why);
    if (ret_change)
        *ret_change = change;
    return status;
}

static emp_allowed_t *read_list (void)
{
    emp_allowed_t *list = NULL;
    cr_assert_eq (emp_allowed_new (ring, &list, why), EMP_OK, "%s", why);
    return list;
}

/* "name role since name role since …" of the ring. */
static const char *listed (void)
{
    static char text[4096];
    const emp_allowed_key_t *key;
    emp_allowed_t *list = read_list ();
    *text = '\0';
    for (size_t i = 0; (key = emp_allowed_at (list, i)); i++) {
        char since[EMP_SINCE_MAX];
        emp_key_since (key->since, since);
        size_t size = strlen (text);
        snprintf (text + size, sizeof text - size, "%s%s %s %s", size ? ", " : "", key->name,
                  emp_key_role_text (key->role), since);
    }
    emp_allowed_destroy (&list);
    return text;
}

/* A key of its own for each number; no real one, but 40 characters of Z85. */
static const char *key_of (unsigned number)
{
    static char key[EMP_KEY_SIZE + 1];
    snprintf (key, sizeof key, "%040u", number + 1);
    return key;
}

/* ---- words ------------------------------------------------------------------------------------------------------------ */

Test (keyring, a_key_is_forty_characters_of_z85)
{
    cr_assert_eq (emp_key_check (ONE, why), EMP_OK);
    cr_assert_eq (emp_key_check (TWO, why), EMP_OK);
    char key[64] = ONE;
    key[39] = '\0';
    cr_assert_eq (emp_key_check (key, why), EMP_INVALID);
    SAYS ("found 39 characters, expected a key of 40");
    cr_assert_eq (emp_key_check (ONE "x", why), EMP_INVALID);
    SAYS ("found 41 characters");
    cr_assert_eq (emp_key_check ("", why), EMP_INVALID);
    strcpy (key, ONE);
    key[6] = '\x1b';
    cr_assert_eq (emp_key_check (key, why), EMP_INVALID);
    SAYS ("found '\\x1b' at character 7, expected a key of 40");
    cr_assert_eq (emp_key_check ("#####00000000000000000000000000000000000", why), EMP_INVALID);
    SAYS ("beyond 2^32");
    cr_assert_eq (emp_key_check ("0000000000000000000000000000000000000000", why), EMP_INVALID);
    SAYS ("zeros");
}

Test (keyring, a_name_can_be_a_files_and_is_no_key)
{
    static const char *const bad[] = {"", "a/b", ".hidden", "a|b", "a;b", "line\nbreak", "\xff", ".", ".."};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq (emp_key_check_name (bad[i], why), EMP_INVALID, "%s", bad[i]);
    char name[EMP_NAME_MAX + 2];
    memset (name, 'n', sizeof name);
    name[EMP_NAME_MAX + 1] = '\0';
    cr_assert_eq (emp_key_check_name (name, why), EMP_TOOBIG);
    SAYS ("expected at most 128 bytes");
    name[EMP_NAME_MAX] = '\0';
    cr_assert_eq (emp_key_check_name (name, why), EMP_OK);
    cr_assert_eq (emp_key_check_name ("host 7 (Köln)", why), EMP_OK);
    cr_assert_eq (emp_key_check_name (ONE, why), EMP_INVALID);
    SAYS ("which is a key");
}

Test (keyring, roles_and_times_have_words)
{
    char since[EMP_SINCE_MAX];
    cr_assert_eq (emp_key_role_of ("worker"), EMP_KEY_WORKER);
    cr_assert_eq (emp_key_role_of ("manager"), EMP_KEY_MANAGER);
    cr_assert_eq (emp_key_role_of ("boss"), EMP_KEY_UNSAID);
    cr_assert_str_eq (emp_key_role_text (EMP_KEY_MANAGER), "manager");
    emp_key_since (1795629927, since);
    cr_assert_str_eq (since, "2026-11-25T18:05:27Z");
    emp_key_since (0, since);
    cr_assert_str_eq (since, "-");
    emp_key_since (INT64_MAX, since);
    cr_assert_str_eq (since, "-");
}

/* ---- where it is --------------------------------------------------------------------------------------------------------- */

Test (keyring, the_environment_says_where_it_is)
{
    char path[EMP_KEYRING_PATH_MAX], expected[EMP_KEYRING_PATH_MAX + 16];
    setenv ("EISENMP_KEYS", "/a/b", 1);
    setenv ("XDG_CONFIG_HOME", "/config", 1);
    setenv ("HOME", "/home/x", 1);
    cr_assert_eq (emp_keyring_directory (path, why), EMP_OK);
    cr_assert_str_eq (path, "/a/b");
    setenv ("EISENMP_KEYS", "a", 1);
    cr_assert_eq (emp_keyring_directory (path, why), EMP_OK);
    cr_assert_not_null (getcwd (expected, EMP_KEYRING_PATH_MAX));
    cr_assert_str_eq (path, strcat (expected, "/a"));
    setenv ("EISENMP_KEYS", "", 1);
    cr_assert_eq (emp_keyring_directory (path, why), EMP_OK);
    cr_assert_str_eq (path, "/config/eisenmp");
    setenv ("XDG_CONFIG_HOME", "relative", 1);
    cr_assert_eq (emp_keyring_directory (path, why), EMP_OK);
    cr_assert_str_eq (path, "/home/x/.config/eisenmp");
    unsetenv ("EISENMP_KEYS");
    unsetenv ("XDG_CONFIG_HOME");
    unsetenv ("HOME");
    cr_assert_eq (emp_keyring_directory (path, why), EMP_UNKNOWN);
    SAYS ("expected one, or EISENMP_KEYS");
    memset (expected, 'x', sizeof expected);
    *expected = '/';
    expected[EMP_KEYRING_PATH_MAX] = '\0';
    setenv ("EISENMP_KEYS", expected, 1);
    cr_assert_eq (emp_keyring_directory (path, why), EMP_TOOBIG);
    SAYS ("has 3800 bytes, expected at most 3799");
}

/* ---- this host's own pair ------------------------------------------------------------------------------------------------ */

Test (keyring, a_new_pair_is_for_its_owner_only_and_is_read_again)
{
    emp_keypair_t made, read;
    char public_key[41];
    snprintf (ring, sizeof ring, "%s/config/ring", folder);
    cr_assert_eq (emp_keyring_load (ring, &read, why), EMP_UNKNOWN);
    SAYS ("`eisenmp keys new` makes one");
    umask (0);
    cr_assert_eq (emp_keyring_new (ring, false, &made, why), EMP_OK, "%s", why);
    cr_assert_eq (mode_of (ring), 0700);
    cr_assert_eq (mode_of (in ("allowed")), 0700);
    cr_assert_eq (mode_of (in ("self.key")), 0600);
    cr_assert_eq (emp_keyring_load (ring, &read, why), EMP_OK, "%s", why);
    cr_assert_str_eq (read.public_key, made.public_key);
    cr_assert_str_eq (read.secret_key, made.secret_key);
    cr_assert_eq (zmq_curve_public (public_key, made.secret_key), 0);
    cr_assert_str_eq (public_key, made.public_key);
    cr_assert (!exists (".eisenmp-new"));
}

Test (keyring, a_pair_that_is_there_stays_unless_forced)
{
    emp_keypair_t first, second = {.public_key = "untouched"}, read;
    cr_assert_eq (emp_keyring_new (ring, false, &first, why), EMP_OK);
    cr_assert_eq (emp_keyring_new (ring, false, &second, why), EMP_EXISTS);
    SAYS ("--force");
    cr_assert_str_eq (second.public_key, "untouched");
    cr_assert_eq (emp_keyring_load (ring, &read, why), EMP_OK);
    cr_assert_str_eq (read.secret_key, first.secret_key);
    write_file (".eisenmp-new", "a killed writer's");
    cr_assert_eq (emp_keyring_new (ring, true, &second, why), EMP_OK, "%s", why);
    cr_assert_str_neq (second.public_key, first.public_key);
    cr_assert_eq (emp_keyring_load (ring, &read, why), EMP_OK);
    cr_assert_str_eq (read.secret_key, second.secret_key);
    cr_assert (!exists (".eisenmp-new"));
}

/* One in 85 keys would; 400 without one is a chance of 1 in 114. */
Test (keyring, no_public_key_looks_like_an_option)
{
    emp_keypair_t pair;
    for (int i = 0; i < 400; i++) {
        cr_assert_eq (emp_keypair_new (&pair, why), EMP_OK);
        cr_assert (*pair.public_key != '-' && *pair.public_key != '@');
    }
}

Test (keyring, a_pair_that_others_may_read_is_refused)
{
    emp_keypair_t pair, read = {.public_key = "untouched"};
    cr_assert_eq (emp_keyring_new (ring, false, &pair, why), EMP_OK);
    static const unsigned modes[] = {0644, 0640, 0604, 0620, 0602, 0610};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        cr_assert_eq (chmod (in ("self.key"), modes[i]), 0);
        cr_assert_eq (emp_keyring_load (ring, &read, why), EMP_REFUSED);
        char found[64];
        snprintf (found, sizeof found, "self.key: has mode 0%o, expected 0600: others may", modes[i]);
        SAYS (found);
        cr_assert_null (strstr (why, pair.secret_key));
    }
    cr_assert_str_eq (read.public_key, "untouched");
    cr_assert_eq (chmod (in ("self.key"), 0400), 0);
    cr_assert_eq (emp_keyring_load (ring, &read, why), EMP_OK);
    cr_assert_eq (chmod (ring, 0777), 0);
    cr_assert_eq (emp_keyring_load (ring, &read, why), EMP_REFUSED);
    SAYS ("ring: has mode 0777, expected 0755: others may write to it");
    cr_assert_eq (emp_keyring_new (ring, true, &read, why), EMP_REFUSED);
}

Test (keyring, a_pair_of_another_owner_is_refused)
{
    emp_keypair_t pair;
    if (geteuid () != 0) {
        cr_log_info ("only root can make a file of another owner");
        return;
    }
    cr_assert_eq (emp_keyring_new (ring, false, &pair, why), EMP_OK);
    cr_assert_eq (allow (ONE, "one", EMP_KEY_WORKER, NULL), EMP_OK);
    write_key ("allowed/two.key", TWO);
    cr_assert_eq (chown (in ("allowed/two.key"), NOBODY, NOBODY), 0);
    cr_assert_eq (chown (in ("self.key"), NOBODY, NOBODY), 0);
    cr_assert_eq (emp_keyring_load (ring, &pair, why), EMP_REFUSED);
    SAYS ("is owned by user 65534, expected user 0");
    cr_assert_str_eq (listed (), "one worker 2026-11-25T18:05:27Z");
    cr_assert_eq (chown (ring, NOBODY, NOBODY), 0);
    emp_allowed_t *list = NULL;
    cr_assert_eq (emp_allowed_new (ring, &list, why), EMP_REFUSED);
    cr_assert_null (list);
}

Test (keyring, what_is_no_pair_is_refused_with_a_sentence_and_without_its_secret)
{
    emp_keypair_t pair, other, read;
    char text[512];
    cr_assert_eq (emp_keyring_new (ring, false, &pair, why), EMP_OK);
    cr_assert_eq (zmq_curve_keypair (other.public_key, other.secret_key), 0);
    const struct {
        const char *text, *says;
    } files[] = {
        {"", "found no public-key below curve"},
        {"curve\n", "found no public-key"},
        {"curve\n    public-key = \"" ONE "\"\n", "found no secret-key"},
        {"curve\n    public-key = \"" ONE "\"\n    secret-key = \"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%c\"\n",
         "expected 40 characters of Z85"},
        {"curve\n    public-key = \"" ONE "\"\n    secret-key = \"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs'\n",
         "line 3: found no ZPL"},
        {"curve\n    public-key = 3\n", "line 2: public-key: found 1 characters"},
        {"secret-key = \"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs<\"\n", "found no public-key"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        write_file ("self.key", files[i].text);
        cr_assert_eq (emp_keyring_load (ring, &read, why), EMP_INVALID, "%s", files[i].text);
        SAYS (files[i].says);
        SAYS ("/self.key: ");
        cr_assert_null (strstr (why, "D:)Q["));
    }
    snprintf (text, sizeof text, "curve\n    public-key = \"%s\"\n    secret-key = \"%s\"\n", pair.public_key,
              other.secret_key);
    write_file ("self.key", text);
    cr_assert_eq (emp_keyring_load (ring, &read, why), EMP_INVALID);
    SAYS ("its public key is not that of its secret key");
}

Test (keyring, what_is_no_file_in_the_place_of_the_pair_is_refused_and_not_waited_for)
{
    emp_keypair_t pair;
    make_ring ();
    cr_assert_eq (mkdir (in ("self.key"), 0700), 0);
    cr_assert_eq (emp_keyring_load (ring, &pair, why), EMP_INVALID);
    SAYS ("found a directory, expected a regular file");
    cr_assert_eq (emp_keyring_new (ring, false, &pair, why), EMP_EXISTS);
    cr_assert_eq (emp_keyring_new (ring, true, &pair, why), EMP_SYSTEM);
    SAYS ("self.key: cannot be written: Is a directory");
    cr_assert (!exists (".eisenmp-new"));
    cr_assert_eq (rmdir (in ("self.key")), 0);
    cr_assert_eq (mkfifo (in ("self.key"), 0600), 0);
    cr_assert_eq (emp_keyring_load (ring, &pair, why), EMP_INVALID);
    SAYS ("found a device, pipe or socket");
}

Test (keyring, a_folder_that_cannot_be_made_or_written_to_is_a_sentence)
{
    emp_keypair_t pair;
    snprintf (ring, sizeof ring, "%s/file", folder);
    close (open (ring, O_CREAT | O_WRONLY, 0600));
    cr_assert_eq (emp_keyring_new (ring, false, &pair, why), EMP_SYSTEM);
    SAYS ("file: Not a directory");
    cr_assert_eq (emp_keyring_load (ring, &pair, why), EMP_SYSTEM);
    strcat (ring, "/ring");
    cr_assert_eq (allow (ONE, "", EMP_KEY_UNSAID, NULL), EMP_SYSTEM);
    SAYS ("file/ring: cannot be made: Not a directory");
    strcpy (ring, "/proc/eisenmp/keys/ring");
    cr_assert_eq (emp_keyring_new (ring, false, &pair, why), EMP_SYSTEM);
    SAYS ("cannot be made: No such file or directory");

    if (geteuid () == 0) /* for whom nothing is unwritable */
        cr_assert_eq (chown (folder, NOBODY, NOBODY) | setegid (NOBODY) | seteuid (NOBODY), 0);
    snprintf (ring, sizeof ring, "%s/ring", folder);
    cr_assert_eq (chmod (folder, 0500), 0);
    cr_assert_eq (emp_keyring_new (ring, false, &pair, why), EMP_SYSTEM);
    SAYS ("ring: cannot be made: Permission denied");
    cr_assert_eq (chmod (folder, 0700), 0);
    cr_assert_eq (emp_keyring_new (ring, false, &pair, why), EMP_OK);
    cr_assert_eq (chmod (ring, 0500), 0);
    cr_assert_eq (emp_keyring_new (ring, true, &pair, why), EMP_SYSTEM);
    SAYS ("self.key: cannot be written: Permission denied");
    cr_assert_eq (chmod (ring, 0700), 0);
    cr_assert_eq (allow (ONE, "one", EMP_KEY_WORKER, NULL), EMP_OK);
    cr_assert_eq (chmod (in ("allowed"), 0500), 0);
    cr_assert_eq (allow (TWO, "", EMP_KEY_WORKER, NULL), EMP_SYSTEM);
    emp_allowed_key_t key;
    cr_assert_eq (emp_keyring_revoke (ring, "one", &key, why), EMP_SYSTEM);
    SAYS ("allowed/one.key: cannot be removed: Permission denied");
    cr_assert_eq (chmod (in ("allowed"), 0700), 0);
    cr_assert_eq (chmod (in ("allowed/one.key"), 0), 0);
    cr_assert_str_eq (listed (), "");
    seteuid (0);
}

/* ---- zcert reads ours, we read zcert's -------------------------------------------------------------------------------------- */

Test (keyring, czmqs_certificates_are_the_same_files)
{
    emp_keypair_t pair;
    cr_assert_eq (emp_keyring_new (ring, false, &pair, why), EMP_OK);
    cr_assert_eq (allow (ONE, "one", EMP_KEY_MANAGER, NULL), EMP_OK, "%s", why);
    zcert_t *cert = zcert_load (in ("self.key"));
    cr_assert_not_null (cert);
    cr_assert_str_eq (zcert_public_txt (cert), pair.public_key);
    cr_assert_str_eq (zcert_secret_txt (cert), pair.secret_key);
    zcert_destroy (&cert);
    cert = zcert_load (in ("allowed/one.key"));
    cr_assert_not_null (cert);
    cr_assert_str_eq (zcert_public_txt (cert), ONE);
    cr_assert_str_eq (zcert_meta (cert, "role"), "manager");
    cr_assert_str_eq (zcert_meta (cert, "since"), "2026-11-25T18:05:27Z");
    zcert_destroy (&cert);

    cert = zcert_new ();
    zcert_set_meta (cert, "email", "%s", "somebody@example.org");
    cr_assert_eq (zcert_save_public (cert, in ("allowed/theirs.key")), 0);
    cr_assert_eq (chmod (in ("allowed/theirs.key"), 0644), 0);
    cr_assert_str_eq (listed (), "one manager 2026-11-25T18:05:27Z, theirs worker -");
    cr_assert_eq (unlink (in ("self.key")), 0);
    cr_assert_eq (zcert_save_secret (cert, in ("self.key")), 0);
    cr_assert_eq (chmod (in ("self.key"), 0600), 0);
    cr_assert_eq (emp_keyring_load (ring, &pair, why), EMP_OK, "%s", why);
    cr_assert_str_eq (pair.secret_key, zcert_secret_txt (cert));
    zcert_destroy (&cert);
}

/* ---- allow, revoke --------------------------------------------------------------------------------------------------------- */

Test (keyring, a_key_is_allowed_by_name_and_role_and_changed_by_allowing_it_again)
{
    emp_key_change_t change;
    cr_assert_eq (allow (ONE, "", EMP_KEY_UNSAID, &change), EMP_OK, "%s", why);
    cr_assert_eq (change, EMP_KEY_ADDED);
    cr_assert_str_eq (listed (), "key-YnewvofV worker 2026-11-25T18:05:27Z");
    cr_assert_eq (mode_of (in ("allowed/key-YnewvofV.key")), 0600);
    cr_assert_eq (allow (TWO, "boss", EMP_KEY_MANAGER, &change), EMP_OK);
    cr_assert_eq (allow (ONE, "", EMP_KEY_UNSAID, &change), EMP_OK);
    cr_assert_eq (change, EMP_KEY_UNCHANGED);
    cr_assert_eq (allow (ONE, "key-YnewvofV", EMP_KEY_WORKER, &change), EMP_OK);
    cr_assert_eq (change, EMP_KEY_UNCHANGED);
    cr_assert_eq (allow (ONE, "", EMP_KEY_MANAGER, &change), EMP_OK);
    cr_assert_eq (change, EMP_KEY_UPDATED);
    cr_assert_eq (allow (ONE, "a", EMP_KEY_UNSAID, &change), EMP_OK);
    cr_assert_eq (change, EMP_KEY_UPDATED);
    cr_assert_str_eq (listed (), "a manager 2026-11-25T18:05:27Z, boss manager 2026-11-25T18:05:27Z");
    cr_assert (!exists ("allowed/key-YnewvofV.key"));
    cr_assert_eq (allow (ONE, "boss", EMP_KEY_UNSAID, &change), EMP_EXISTS);
    SAYS ("the name boss is that of the key " TWO);
    cr_assert_eq (allow ("short", "", EMP_KEY_UNSAID, &change), EMP_INVALID);
    SAYS ("found 5 characters");
    cr_assert_eq (allow (ONE, "a/b", EMP_KEY_UNSAID, &change), EMP_INVALID);
    cr_assert_str_eq (listed (), "a manager 2026-11-25T18:05:27Z, boss manager 2026-11-25T18:05:27Z");
}

Test (keyring, a_key_is_revoked_by_its_name_or_by_itself)
{
    emp_allowed_key_t key;
    cr_assert_eq (emp_keyring_revoke (ring, "one", &key, why), EMP_UNKNOWN);
    cr_assert (access (ring, F_OK) != 0, "revoke makes nothing");
    cr_assert_eq (allow (ONE, "one", EMP_KEY_WORKER, NULL), EMP_OK);
    cr_assert_eq (allow (TWO, "two", EMP_KEY_WORKER, NULL), EMP_OK);
    cr_assert_eq (emp_keyring_revoke (ring, "ont", &key, why), EMP_UNKNOWN);
    SAYS ("found 'ont', expected the name of an allowed key, or the key, did you mean \"one\"?");
    cr_assert_eq (emp_keyring_revoke (ring, "", &key, why), EMP_UNKNOWN);
    cr_assert_eq (emp_keyring_revoke (ring, "one", &key, why), EMP_OK);
    cr_assert_str_eq (key.public_key, ONE);
    cr_assert_str_eq (listed (), "two worker 2026-11-25T18:05:27Z");
    cr_assert_eq (emp_keyring_revoke (ring, TWO, &key, why), EMP_OK);
    cr_assert_str_eq (key.name, "two");
    cr_assert_str_eq (listed (), "");
}

Test (keyring, two_names_for_one_key_count_once_and_go_together)
{
    make_ring ();
    write_key ("allowed/b.key", ONE);
    write_key ("allowed/a.key", ONE);
    emp_allowed_key_t key;
    emp_allowed_t *list = read_list ();
    cr_assert_eq (emp_allowed_count (list), 1);
    cr_assert (emp_allowed_find (list, ONE, &key));
    cr_assert_str_eq (key.name, "a");
    cr_assert_eq (emp_allowed_problems (list), 1);
    cr_assert_str_eq (emp_allowed_problem_at (list, 0),
                      "allowed/b.key: found the key of a.key, expected another: it counts once");
    cr_assert_null (emp_allowed_problem_at (list, 1));
    emp_allowed_destroy (&list);
    cr_assert_eq (emp_keyring_revoke (ring, "b", &key, why), EMP_OK);
    cr_assert (!exists ("allowed/a.key") && !exists ("allowed/b.key"),
               "revoked is revoked, whatever else holds the key");

    write_key ("allowed/b.key", ONE);
    write_key ("allowed/a.key", ONE);
    emp_key_change_t change;
    cr_assert_eq (allow (ONE, "", EMP_KEY_UNSAID, &change), EMP_OK, "%s", why);
    cr_assert_eq (change, EMP_KEY_UPDATED);
    cr_assert (exists ("allowed/a.key") && !exists ("allowed/b.key"));
    write_key ("allowed/b.key", ONE);
    cr_assert_eq (allow (ONE, "b", EMP_KEY_MANAGER, &change), EMP_OK, "%s", why);
    cr_assert_eq (change, EMP_KEY_UPDATED);
    cr_assert (!exists ("allowed/a.key"));
    cr_assert_str_eq (listed (), "b manager -");
}

Test (keyring, files_that_are_no_keys_let_nobody_in_and_hinder_nobody)
{
    make_ring ();
    cr_assert_eq (allow (ONE, "one", EMP_KEY_WORKER, NULL), EMP_OK);
    write_file ("allowed/bad.key", "curve\n\tpublic-key = \"" TWO "\"\n");
    write_key ("allowed/short.key", "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hI");
    write_file ("allowed/role.key", "metadata\n    role = boss\ncurve\n    public-key = \"" TWO "\"\n");
    write_key ("allowed/open.key", TWO);
    cr_assert_eq (chmod (in ("allowed/open.key"), 0666), 0);
    write_key ("allowed/a|b.key", TWO);
    write_key ("allowed/.hidden.key", TWO);
    write_key ("allowed/two.kez", TWO);
    cr_assert_eq (mkdir (in ("allowed/dir.key"), 0700), 0);
    cr_assert_eq (mkfifo (in ("allowed/pipe.key"), 0600), 0);
    cr_assert_eq (symlink ("nowhere", in ("allowed/link.key")), 0);
    emp_allowed_t *list = read_list ();
    cr_assert_eq (emp_allowed_count (list), 1);
    cr_assert (!emp_allowed_find (list, TWO, NULL));
    static const char *const says[] = {"found the name 'a|b', expected printable",
                                       "bad.key: line 2: found no ZPL",
                                       "dir.key: found a directory",
                                       "link.key: No such file",
                                       "open.key: has mode 0666, expected 0644",
                                       "pipe.key: found a device",
                                       "role.key: line 2: role: found 'boss', expected worker or manager",
                                       "short.key: line 2: public-key: found 39 characters"};
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        const char *problem = emp_allowed_problem_at (list, i);
        cr_assert (problem && strstr (problem, says[i]), "'%s' does not say '%s'", problem ? problem : "", says[i]);
    }
    cr_assert_eq (emp_allowed_problems (list), sizeof says / sizeof *says);
    emp_allowed_destroy (&list);

    cr_assert_eq (allow (TWO, "bad", EMP_KEY_WORKER, NULL), EMP_EXISTS);
    SAYS ("allowed/bad.key: is there and is no key; `eisenmp keys revoke bad` removes it");
    emp_allowed_key_t key;
    cr_assert_eq (emp_keyring_revoke (ring, "bad", &key, why), EMP_OK);
    cr_assert_str_eq (key.public_key, "");
    cr_assert (!exists ("allowed/bad.key"));
    cr_assert_eq (emp_keyring_revoke (ring, "dir", &key, why), EMP_SYSTEM);
    SAYS ("dir.key: cannot be removed: Is a directory");
}

Test (keyring, as_many_keys_as_may_be_and_no_more)
{
    make_ring ();
    char name[64];
    for (unsigned i = 0; i < EMP_KEYS_ALLOWED_MAX - 1; i++) {
        snprintf (name, sizeof name, "allowed/%u.key", i);
        write_key (name, key_of (i));
    }
    cr_assert_eq (allow (ONE, "last", EMP_KEY_WORKER, NULL), EMP_OK, "%s", why);
    cr_assert_eq (allow (TWO, "beyond", EMP_KEY_WORKER, NULL), EMP_FULL);
    SAYS ("has 4096 keys, as many as may be");
    cr_assert_eq (allow (ONE, "late", EMP_KEY_WORKER, NULL), EMP_OK, "%s", why);
    emp_allowed_t *list = read_list ();
    cr_assert_eq (emp_allowed_count (list), EMP_KEYS_ALLOWED_MAX);
    for (unsigned i = 0; i < EMP_KEYS_ALLOWED_MAX - 1; i++) {
        emp_allowed_key_t key;
        snprintf (name, sizeof name, "%u", i);
        cr_assert (emp_allowed_find (list, key_of (i), &key));
        cr_assert_str_eq (key.name, name);
    }
    write_key ("allowed/beyond.key", TWO);
    cr_assert (emp_allowed_refresh (list));
    strcpy (why, emp_allowed_failure (list));
    SAYS ("found more than 4096 keys");
    cr_assert (emp_allowed_find (list, ONE, NULL) && !emp_allowed_find (list, TWO, NULL), "the list stays as it was");
    emp_allowed_destroy (&list);
    cr_assert_eq (emp_allowed_new (ring, &list, why), EMP_TOOBIG);
}

/* ---- a list that is kept -------------------------------------------------------------------------------------------------- */

Test (keyring, a_refresh_tells_what_has_changed_and_nothing_else)
{
    emp_allowed_t *list = read_list ();
    cr_assert_eq (emp_allowed_count (list), 0);
    cr_assert (!emp_allowed_refresh (list));
    cr_assert_eq (allow (ONE, "one", EMP_KEY_WORKER, NULL), EMP_OK);
    cr_assert (emp_allowed_refresh (list), "the folder is there");
    cr_assert (emp_allowed_find (list, ONE, NULL));
    cr_assert (!emp_allowed_refresh (list) && !emp_allowed_refresh (list));
    cr_assert_eq (allow (TWO, "two", EMP_KEY_WORKER, NULL), EMP_OK);
    cr_assert (emp_allowed_refresh (list) && emp_allowed_find (list, TWO, NULL));
    cr_assert_eq (allow (TWO, "", EMP_KEY_MANAGER, NULL), EMP_OK);
    emp_allowed_key_t key;
    cr_assert (emp_allowed_refresh (list) && emp_allowed_find (list, TWO, &key));
    cr_assert_eq (key.role, EMP_KEY_MANAGER);
    cr_assert_eq (emp_keyring_revoke (ring, "one", &key, why), EMP_OK);
    cr_assert (emp_allowed_refresh (list));
    cr_assert (!emp_allowed_find (list, ONE, NULL) && emp_allowed_find (list, TWO, NULL));
    write_key ("allowed/two.key", ONE); /* in its place: no folder changes */
    cr_assert (emp_allowed_refresh (list));
    cr_assert (emp_allowed_find (list, ONE, NULL) && !emp_allowed_find (list, TWO, NULL));
    write_file ("allowed/two.key", "");
    cr_assert (emp_allowed_refresh (list));
    cr_assert_eq (emp_allowed_count (list), 0);
    cr_assert_eq (emp_allowed_problems (list), 1);
    cr_assert_eq (unlink (in ("allowed/two.key")), 0);
    cr_assert_eq (rmdir (in ("allowed")), 0);
    cr_assert (emp_allowed_refresh (list));
    cr_assert_eq (emp_allowed_problems (list), 0);
    cr_assert (!emp_allowed_refresh (list));
    emp_allowed_destroy (&list);
    emp_allowed_destroy (&list);
    emp_allowed_destroy (NULL);
}

/* Until the kernel's clock of files has gone on by a grain, what changes may look the same. */
static void wait_for_a_later_time (const char *name)
{
    struct stat is;
    struct timespec now;
    cr_assert_eq (stat (in (name), &is), 0);
    do
        clock_gettime (CLOCK_REALTIME_COARSE, &now);
    while (now.tv_sec < is.st_ctim.tv_sec || (now.tv_sec == is.st_ctim.tv_sec && now.tv_nsec <= is.st_ctim.tv_nsec));
}

Test (keyring, a_refresh_goes_by_times_when_all_has_long_been_quiet)
{
    emp_allowed_key_t key;
    cr_assert_eq (allow (ONE, "one", EMP_KEY_WORKER, NULL), EMP_OK);
    ahead = 10;
    emp_allowed_t *list = read_list ();
    cr_assert (!emp_allowed_refresh (list));
    wait_for_a_later_time ("allowed/one.key");
    write_key ("allowed/one.key", TWO);
    cr_assert (emp_allowed_refresh (list) && emp_allowed_find (list, TWO, NULL));
    wait_for_a_later_time ("allowed/one.key");
    cr_assert_eq (emp_keyring_revoke (ring, "one", &key, why), EMP_OK);
    cr_assert (emp_allowed_refresh (list) && !emp_allowed_find (list, TWO, NULL));
    wait_for_a_later_time ("allowed");
    cr_assert_eq (allow (ONE, "one", EMP_KEY_WORKER, NULL), EMP_OK);
    cr_assert (emp_allowed_refresh (list) && emp_allowed_find (list, ONE, NULL));
    emp_allowed_destroy (&list);
}

Test (keyring, a_refresh_sees_what_changes_twice_at_the_same_time)
{
    coarse = true;
    make_ring ();
    emp_allowed_t *list = read_list ();
    for (int i = 0; i < 200; i++) {
        write_key ("allowed/one.key", i % 2 ? ONE : TWO);
        cr_assert (emp_allowed_refresh (list), "%d", i);
        cr_assert (emp_allowed_find (list, i % 2 ? ONE : TWO, NULL) &&
                   !emp_allowed_find (list, i % 2 ? TWO : ONE, NULL));
    }
    emp_allowed_destroy (&list);
}

static void rename_one (void)
{
    static char from[512];
    strcpy (from, in ("allowed/one.key"));
    cr_assert_eq (rename (from, in ("allowed/eins.key")), 0);
}

Test (keyring, a_file_that_gets_another_name_while_all_are_read_is_found_under_that)
{
    make_ring ();
    write_key ("allowed/one.key", ONE);
    coarse = true; /* the folder has the same time afterwards */
    awaited = "one.key", meanwhile = rename_one;
    cr_assert_str_eq (listed (), "eins worker -");
}

static void add_one (void)
{
    write_key ("allowed/one.key", ONE);
}

Test (keyring, a_file_that_is_added_while_all_are_read_is_seen_in_the_same_call)
{
    make_ring ();
    write_key ("allowed/two.key", TWO);
    wait_for_a_later_time ("allowed");
    awaited = "two.key", meanwhile = add_one;
    cr_assert_str_eq (listed (), "one worker -, two worker -");
}

static void add_more (void)
{
    static int count;
    char name[64];
    snprintf (name, sizeof name, "allowed/%d.key", ++count);
    wait_for_a_later_time ("allowed");
    write_key (name, key_of (1));
    awaited = "two.key";
}

Test (keyring, a_folder_that_changes_all_the_time_is_not_read_for_ever)
{
    make_ring ();
    write_key ("allowed/two.key", TWO);
    emp_allowed_t *list = NULL;
    awaited = "two.key", meanwhile = add_more;
    cr_assert_eq (emp_allowed_new (ring, &list, why), EMP_SYSTEM);
    SAYS ("ring/allowed: changes all the time");
    awaited = NULL;
}

Test (keyring, a_refresh_that_fails_keeps_the_list_and_says_so_once)
{
    cr_assert_eq (allow (ONE, "one", EMP_KEY_WORKER, NULL), EMP_OK);
    emp_allowed_t *list = read_list ();
    cr_assert_str_eq (emp_allowed_failure (list), "");
    cr_assert_eq (chmod (in ("allowed"), 0777), 0);
    cr_assert (emp_allowed_refresh (list));
    strcpy (why, emp_allowed_failure (list));
    SAYS ("ring/allowed: has mode 0777, expected 0755");
    cr_assert (emp_allowed_find (list, ONE, NULL));
    cr_assert (!emp_allowed_refresh (list));
    cr_assert_eq (chmod (in ("allowed"), 0700), 0);
    cr_assert (emp_allowed_refresh (list));
    cr_assert_str_eq (emp_allowed_failure (list), "");
    cr_assert (!emp_allowed_refresh (list));
    emp_allowed_destroy (&list);
}

/* ---- at once ---------------------------------------------------------------------------------------------------------------- */

Test (keyring, twenty_that_allow_at_once_lose_none)
{
    for (unsigned i = 0; i < 20; i++) {
        pid_t pid = fork ();
        if (pid == 0) {
            prctl (PR_SET_PDEATHSIG, SIGKILL);
            char name[16];
            snprintf (name, sizeof name, "host%u", i);
            _exit (allow (key_of (i), name, EMP_KEY_WORKER, NULL) != EMP_OK);
        }
        cr_assert_gt (pid, 0);
    }
    for (int i = 0, status; i < 20; i++) {
        cr_assert_gt (wait (&status), 0);
        cr_assert_eq (status, 0);
    }
    emp_allowed_t *list = read_list ();
    for (unsigned i = 0; i < 20; i++)
        cr_assert (emp_allowed_find (list, key_of (i), NULL), "%u", i);
    cr_assert_eq (emp_allowed_count (list), 20);
    cr_assert_eq (emp_allowed_problems (list), 0);
    emp_allowed_destroy (&list);
}

Test (keyring, a_key_that_is_renamed_is_allowed_at_every_moment)
{
    cr_assert_eq (allow (ONE, "a", EMP_KEY_WORKER, NULL), EMP_OK);
    cr_assert_eq (allow (TWO, "still", EMP_KEY_WORKER, NULL), EMP_OK);
    emp_allowed_t *list = read_list ();
    pid_t pid = fork ();
    if (pid == 0) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        int bad = 0;
        for (int i = 0; i < 60; i++)
            bad |= allow (ONE, i % 2 ? "a" : "b", i % 3 ? EMP_KEY_WORKER : EMP_KEY_MANAGER, NULL) != EMP_OK;
        _exit (bad);
    }
    int status;
    unsigned seen = 0;
    while (waitpid (pid, &status, WNOHANG) == 0) {
        seen += emp_allowed_refresh (list);
        cr_assert (emp_allowed_find (list, ONE, NULL) && emp_allowed_find (list, TWO, NULL));
    }
    cr_assert_eq (status, 0);
    cr_assert_gt (seen, 0);
    emp_allowed_destroy (&list);
}
