#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# with_reports.sh fails a script for what no exit code tells. Each script here exits 0 and must fail all the same.
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
exit $verdict
