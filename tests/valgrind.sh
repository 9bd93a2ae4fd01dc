#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# valgrind.sh <folder of unit tests> [name...]: runs the Criterion tests there under memcheck, every test process of theirs
# included. Criterion gives its verdict before a leak is known, so the logs decide, not the exit codes alone.
set -u

folder=${1:?}
shift
logs=$(mktemp -d /tmp/emp-valgrind.XXXXXX) || exit 1
trap 'rm -rf "$logs"' EXIT

one ()
{
    local name out start=$SECONDS
    name=$(basename "$(dirname "$2")").$(basename "$2" | sed 's/^test_//')
    out=$1/$name.out
    valgrind --quiet --trace-children=yes --trace-children-skip='*/nm,*/sh,*/bash' --leak-check=full \
        --show-leak-kinds=definite --errors-for-leak-kinds=definite --error-exitcode=99 \
        --log-file="$1/$name.%p.log" "$2" --jobs 1 >"$out" 2>&1
    local verdict=$?
    if grep -q 'Tested: 0 ' "$out" || ! grep -q 'Synthesis: Tested:' "$out"; then
        verdict=1
    fi
    # With --quiet a log has lines only when there is something to say.
    if grep -l . "$1/$name".*.log >/dev/null 2>&1; then
        verdict=99
    fi
    if [ $verdict = 0 ]; then
        echo "passed $name in $((SECONDS - start)) s, $(sed -n 's/.*Synthesis: //p' "$out")"
    else
        cat "$out" "$1/$name".*.log
        echo "FAILED $name in $((SECONDS - start)) s"
    fi
    return $verdict
}
export -f one

if [ $# -gt 0 ]; then
    printf '%s\0' "${@/#/$folder/}"
else
    find "$folder" -type f -name 'test_*' -perm -u+x -print0 | sort -z
fi | xargs -0 -r -n 1 -P "$(getconf _NPROCESSORS_ONLN)" bash -c 'one "$0" "$1" || exit 1' "$logs" >"$logs/all" 2>&1
verdict=$?
cat "$logs/all"
passed=$(grep -c '^passed ' "$logs/all")
failed=$(grep -c '^FAILED ' "$logs/all")
echo "valgrind: $passed test programs passed, $failed failed"
[ "$verdict" = 0 ] && [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
