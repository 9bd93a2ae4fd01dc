#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# valgrind.sh <build folder> [room or room.module...]: runs the Criterion tests, or those that are named, under memcheck,
# every test process of theirs included.
# Criterion gives its verdict before a leak is known, so the logs decide and not the exit code alone.
set -u

build=$(readlink -f "${1:?}")
shift
source=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
logs=$(mktemp -d /tmp/emp-valgrind.XXXXXX) || exit 1
trap 'rm -rf "$logs"' EXIT
export EMP_BIN=$build/bin EMP_MODULES=$build/lib/eisenmp EMP_TEST_MODULES=$build/lib/eisenmp-tests
export EMP_SOURCE=$source EMP_BUILD=$build EMP_SANITIZE=valgrind LC_ALL=C logs

# left_out <name>: the pattern of the tests that cannot run under valgrind (* is all of them), and why.
left_out ()
{
    case $1 in
    common.tag) echo "a_sweep_*" valgrind 3.19 does not know pidfd_open ;;
    common.arena) echo "*write_to_it*|*read_only_too a child ends by SIGSEGV on purpose" ;;
    manager.source) echo "*program*|cancel_*|closing_* valgrind 3.19 does not know pidfd_open" ;;
    manager.yaml) echo "numbers_of_things_are_bounded millions of values, a minute and more" ;;
    worker.child | worker.supervisor) echo "* valgrind 3.19 does not know pidfd_open" ;;
    esac
}

one ()
{
    local name=$1 program out pattern why start=$SECONDS filter=()
    program=$EMP_BUILD/unit/${name%%.*}/test_${name#*.}
    out=$logs/$name.out
    read -r pattern why < <(left_out "$name")
    case $pattern in
    '') ;;
    '*') echo "skipped $name: $why"; return 0 ;;
    *) filter=(--filter "*/!($pattern)"); why=", without $pattern: $why" ;;
    esac
    timeout -k 5 600 valgrind --quiet --trace-children=yes --trace-children-skip='*/nm,*/sh,*/bash' --leak-check=full \
        --show-leak-kinds=definite --errors-for-leak-kinds=definite --error-exitcode=99 \
        --log-file="$logs/$name.%p.log" "$program" --jobs 1 "${filter[@]}" >"$out" 2>&1
    local verdict=$?
    # With --quiet a log has lines only when there is something to say.
    if grep -l . "$logs/$name".*.log >/dev/null 2>&1 || ! grep -q 'Synthesis: Tested: [1-9]' "$out"; then
        verdict=99
    fi
    if [ $verdict = 0 ]; then
        echo "passed $name in $((SECONDS - start)) s, $(sed -n 's/.*Synthesis: //p' "$out")$why"
    else
        cat "$out" "$logs/$name".*.log
        echo "FAILED $name in $((SECONDS - start)) s"
        return 1
    fi
}
export -f one left_out

# A name alone is a room: all of it.
wanted=$(IFS='|'; echo "$*")
(cd "$build/unit" && ls -d -- */test_*) | sed 's|/test_|.|' | grep -E "^(${wanted:-.*})(\.|$)" |
    xargs -r -n 1 -P "$(getconf _NPROCESSORS_ONLN)" bash -c 'one "$0" || exit 1' | tee "$logs/all"
passed=$(grep -c '^passed ' "$logs/all")
failed=$(grep -c '^FAILED ' "$logs/all")
echo "valgrind: $passed test programs passed, $failed failed, $(grep -c '^skipped ' "$logs/all") skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
