# SPDX-License-Identifier: BSD-3-Clause
#
# B31: many managers in one program: one after the other, at once, ended in any order, destroyed at any time.
. "$EMP_SOURCE/tests/system/lib.bash"
module=$EMP_TEST_MODULES/echo.so
program=$EMP_BUILD/test-programs/many
export EISENMP_EXEC_PATH=$EMP_BIN

# Under a sanitizer what was freed stays for a while: leaks are its own to tell, and memory is not looked at.
runs=100 flat=flat
[ -z "$EMP_SANITIZE" ] || { runs=20; flat='.*'; }
# matches <what> <found> <expected, a pattern of grep>
matches () { grep -qx "$3" <<<"$2" || fail "$1: found '$2', expected '$3': $(cat err)"; }

matches "B31: one after the other" "$("$program" series "$module" $runs 2>err)" \
    "sum $((runs * 45)) files +0 threads +0 memory $flat"
cat err
# 20 rows of manager i: 0…19 and 1000 i each, in the order in which they are waited for.
expect "B31: at once" "$("$program" crowd "$module" 2>err)" \
    "60190 140190 190 100190 20190 120190 40190 80190 "
expect "B31: a second run" "$("$program" apart "$module" 2>err)" "$(printf '%s\n' "errors 0 1, queue of_a 1 0" \
    "first 5510 second 10 third error '' tickets 5 key q")"
matches "destroyed without a wait" "$("$program" torn "$module" $((runs / 2)) 2>err)" \
    "files +0 threads +0 memory $flat"
cat err
finish
