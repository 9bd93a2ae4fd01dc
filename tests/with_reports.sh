#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Runs one test script and fails when it fails, and also when something happened that no exit code tells:
#   - a sanitizer reported something in any process, also in one whose stderr nobody reads;
#   - a process that the script started, however far down, is still there afterwards;
#   - a program left something in TMPDIR.
#
# A test of the tree that exits 77 leaves its name in EMP_BUILD/skipped, for house/rows.sh, until it is not skipped.
#
# What a script gets: EMP_BIN, EMP_MODULES, EMP_TEST_MODULES, EMP_SOURCE, EMP_BUILD, EMP_SANITIZE (from CMake), and
# EMP_SCRATCH, a folder of its own that is removed afterwards. The current folder is EMP_SCRATCH.
# README.md says what a module needs that crashes on purpose.
set -u

home=$(mktemp -d /tmp/emp-test.XXXXXX) || exit 1
trap 'rm -rf "$home"' EXIT
mkdir "$home/scratch" "$home/tmp" "$home/reports"
export EMP_SCRATCH="$home/scratch" TMPDIR="$home/tmp"
unset XDG_RUNTIME_DIR EISENMP_EXEC_PATH EISENMP_MODULE_PATH
export EMP_TEST_MARK="$$-$RANDOM$RANDOM"
reports="log_path=$home/reports/report"
export ASAN_OPTIONS="$reports:detect_leaks=1:${ASAN_OPTIONS:-}"
export UBSAN_OPTIONS="$reports:print_stacktrace=1:${UBSAN_OPTIONS:-}"
export TSAN_OPTIONS="$reports:suppressions=${EMP_SOURCE:?}/tests/tsan.supp:ignore_noninstrumented_modules=1:${TSAN_OPTIONS:-}"

left_running ()
{
    grep -lzx "EMP_TEST_MARK=$EMP_TEST_MARK" /proc/[0-9]*/environ 2>/dev/null | while IFS=/ read -r _ _ pid _; do
        # The command line of a process that waits to be reaped is empty.
        [ -n "$(tr -d '\0' 2>/dev/null <"/proc/$pid/cmdline")" ] && echo "$pid"
    done
}

(cd "$EMP_SCRATCH" && exec bash "$@")
verdict=$?

for _ in {1..50}; do
    left=$(left_running)
    [ -z "$left" ] && break
    sleep 0.1
done
for pid in $left; do
    echo "left running: $pid $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)"
    kill -KILL "$pid" 2>/dev/null
    verdict=1
done
for thing in "$TMPDIR"/* "$TMPDIR"/.[!.]*; do
    case "${thing##*/}" in
    '*' | '.[!.]*' | tmp.*) ;;
    tsan.rodata.*) ;; # the thread sanitizer's own, of a process that was killed as it started
    *) echo "left lying about: $thing"; verdict=1 ;;
    esac
done
for report in "$home"/reports/*; do
    [ -s "$report" ] || continue
    echo "---- sanitizer report ${report##*.}:"
    cat "$report"
    verdict=1
done
if [[ $1 = "$EMP_SOURCE"/tests/* ]]; then
    note=${EMP_BUILD:?}/skipped/$(basename "$1" .sh)
    rm -f "$note"
    [ $verdict != 77 ] || { mkdir -p "${note%/*}" && touch "$note"; }
fi
exit $verdict
