#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# with_reports.sh fails a script for what no exit code tells. Each script here exits 0 and must fail all the same. It also notes
# which tests were skipped, and rows.sh goes by that.
set -u
verdict=0

# expect <what the output has to say> <script>: the script fails, and for that reason.
expect ()
{
    local output
    printf '%s\n' "$2" >script.sh
    if output=$(bash "$EMP_SOURCE/tests/with_reports.sh" "$PWD/script.sh" 2>&1); then
        echo "passed, and should not have: $2"
        verdict=1
    elif ! grep -q "$1" <<<"$output"; then
        echo "failed for another reason: $2: $output"
        verdict=1
    fi
}

expect 'left running' '(exec setsid sleep 100 </dev/null >/dev/null 2>&1) & exit 0'
expect 'left lying about' 'touch "$TMPDIR/eisenmp-something"'
expect "a report" 'reports=${ASAN_OPTIONS%%:*}; echo "a report" >"${reports#log_path=}.1"; exit 0'
expect 'a word' 'echo "a word"; exit 1'

echo 'true' >script.sh
bash "$EMP_SOURCE/tests/with_reports.sh" "$PWD/script.sh" || { echo "failed, and should not have: true"; verdict=1; }

# A tree of one test, which is skipped and then is not.
mkdir -p tree/tests built
test_of_tree () { EMP_SOURCE=$PWD/tree EMP_BUILD=$PWD/built bash "$EMP_SOURCE/tests/with_reports.sh" "$PWD/tree/tests/one.sh"; }
cp -r "$EMP_SOURCE/tests/tsan.supp" tree/tests/
for code in 77 0; do
    echo "exit $code" >tree/tests/one.sh
    test_of_tree
    [ $? = $code ] || { echo "exit $code: found another"; verdict=1; }
    [ "$(ls built/skipped)" = "$([ $code = 0 ] || echo one)" ] || { echo "exit $code: noted '$(ls built/skipped)'"; verdict=1; }
done

# rows <code> <pattern> <tests that were skipped>
rows ()
{
    rm -rf built && mkdir -p built/skipped
    (cd built/skipped && touch $3)
    EMP_BUILD=$PWD/built bash "$EMP_SOURCE/tests/house/rows.sh" >rows.out 2>&1
    [ $? = "$1" ] && grep -q "$2" rows.out || { echo "rows, '$3' skipped: $(cat rows.out)"; verdict=1; }
}
rows 0 '41 of 41$' ''
rows 77 'not skipped: E7$' example_server
rows 77 'not skipped: E4 E5 E7$' 'example_server example_bruteforce example_listreduce'
exit $verdict
