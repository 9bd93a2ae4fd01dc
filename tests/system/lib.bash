# SPDX-License-Identifier: BSD-3-Clause
#
# lib.bash - words for the system tests. A test is a script that calls `ok` or `fail`; it fails when one of them failed.
set -u

eisenmp=${EMP_BIN:?}/eisenmp
failures=0

fail () { echo "FAIL: ${method:+$method: }$*"; failures=$((failures + 1)); }
# expect <what> <found> <expected>
expect () { [ "$2" = "$3" ] && return; fail "$1: found '$2', expected '$3'"; return 1; }
# skip <what is missing>: ends here, as skipped unless something failed before.
skip () { echo "skipped: $*"; [ "$failures" = 0 ] || finish; exit 77; }
# No run of any test may find that its books do not balance, however it ended.
finish ()
{
    local books
    books=$(grep -rshm 1 --include='*.err' 'the books do not balance' . | head -n 3)
    [ -z "$books" ] || fail "$books"
    [ "$failures" = 0 ] && echo "ok: ${1:-all}"
    exit $((failures > 0))
}
# each_method: the rest of the script, once for each START_METHOD, which is $method, in a folder of that name (B5).
each_method ()
{
    [ -n "${method:-}" ] && return
    for method in spawn fork forkserver; do
        mkdir "$method"
        (cd "$method" && method=$method exec bash "$0") || failures=$((failures + 1))
    done
    finish
}

# children <pid>: pids, one a line.
children () { cat "/proc/$1/task/"*/children 2>/dev/null | tr " " "\n" | grep .; }
# slots <pid of eisenmp>: pids of its worker processes, which is not all that a supervisor has.
slots ()
{
    local s p name
    for s in $(children "$1"); do
        for p in $(children "$s"); do
            read -r name 2>/dev/null <"/proc/$p/comm" && [[ $name = Process-* ]] && echo "$p"
        done
    done
}

# family: pids of all processes of worker modules of this test, however far down, one a line.
family ()
{
    local pid
    grep -lzx "EMP_TEST_MARK=$EMP_TEST_MARK" /proc/[0-9]*/environ 2>/dev/null | while IFS=/ read -r _ _ pid _; do
        grep -qz '^EISENMP_SLOT=' "/proc/$pid/environ" 2>/dev/null && ! is_over "$pid" && echo "$pid"
    done
}
no_family () { [ -z "$(family)" ]; }
now_ms () { date +%s%3N; }

# until_true <seconds> <command…>: asks again until it is true; the poll is short, the limit only for a hang.
until_true ()
{
    local limit=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $limit ] || { fail "not within its time: $*"; return 1; }
        read -rt 0.01 <><(:) || :
    done
}
# is_over <pid>: a child that has ended, reaped or not.
is_over () { ! readlink "/proc/$1/exe" >/dev/null 2>&1; }
# at_work <pid of eisenmp> <n>: it has so many worker processes, or is over already.
at_work () { [ "$(slots "$1" | wc -l)" -ge "$2" ] || is_over "$1"; }
at_least () { [ "$(eval "$2" | wc -l)" -ge "$1" ]; }

# A job of numbers, with the START_METHOD $method. job <file> <module> <count> <rows> [more yaml lines]
job ()
{
    local file=$1 module=$2 count=$3 rows=$4
    shift 4
    {
        echo "ROWS_MAX: $rows"
        echo "START_METHOD: ${method:-spawn}"
        echo "RESULTS_PRINT: false"
        echo "RESULTS_DICT_PRINT: true"
        echo "worker_modules:"
        echo "  - {worker_path: $EMP_TEST_MODULES/$module.so, worker_ref: worker_entrance}"
        echo "feed:"
        echo "  - {queue: mp_input_q, range: {start: 0, count: $count}}"
        printf '%s\n' "$@"
    } >"$file"
}

# tickets <report>: the ticket numbers of its dictionary, one a line, in order of number.
tickets () { sed -n "s/^  ('_TID_\([0-9]*\)'.*/\1/p" "$1" | sort -n; }
# same_as_seq <name> <report> <count>: tickets 0…count-1 once each.
every_ticket_once () { expect "$1: tickets once each" "$(tickets "$2" | cksum)" "$(seq 0 $(($3 - 1)) | cksum)"; }
