# SPDX-License-Identifier: BSD-3-Clause
#
# E4: the bruteforce example, its job file and its manager program: every distinct order of a word's letters is looked up in
# two lists that were sent once over mp_tools_q (B9), several runs at once in one program (B31).
. "$EMP_SOURCE/tests/system/lib.bash"
. "$EMP_SOURCE/tests/system/anagrams.bash"
example=$EMP_SOURCE/examples/bruteforce

# search_job <file> <word> <rows a chunk>
search_job ()
{
    { sed "s/^  word: .*/  word: $2/; s/^ROWS_MAX: .*/ROWS_MAX: $3/" "$example/job.yaml"; echo "RESULTS_DICT_PRINT: true"; } >"$1"
}
# search <word> <rows a chunk> <tickets> <answers, sorted>
search ()
{
    search_job "$1.yaml" "$1" "$2"
    "$eisenmp" run "$1.yaml" >"$1.out" 2>"$1.err"
    expect "$1: exit code: $(cat "$1.err")" $? 0
    every_ticket_once "$1" "$1.out" "$3"
    expect "$1: answers" "$(rows "$1.out" | LC_ALL=C sort | paste -sd ' ')" "$4"
}
"$eisenmp" run "$example/job.yaml" >job.out 2>job.err
expect "job.yaml: exit code: $(cat job.err)" $? 0
expect "E4: job.yaml: the report" "$(cat job.out)" \
    "$(printf '\n--- Result for [anagrams, brute force]---\nSchilfrohr\n    --- END ---')"
# One ticket a row: as many as there are distinct orders, 6 of 24 and 10 080 of 40 320.
search MAMA 1 6 "Amma mama"
search DIKKLOOR 1 10080 "Krokodil"
search amgno 50 3 "among mango"
# 11! / (2! 2!) rows, and no answer. Under the thread sanitizer, 20 times as slow, the program's run of it has to do.
[[ $EMP_SANITIZE = *thread* ]] || search AACEFHKLMSS 20000 499 ""

"$EMP_BIN/example-bruteforce" >program.out 2>program.err
expect "manager.c: exit code: $(cat program.err)" $? 0
cmp program.out answers.expected || fail "manager.c: not the answers"

# A worker dies amidst its chunk: the one that comes after it gets the lists, and nothing is missing.
search_job killed.yaml SCHILFROHRE 20000
hit=0
for _ in 1 2 3 4 5; do
    killed_worker 5 "$eisenmp" run killed.yaml
    expect "killed: exit code: $(cat err)" $? 0
    every_ticket_once killed out 499
    expect "killed: answers" "$(rows out)" Schilfrohre
    if [ -n "$victim" ] && grep -q "(pid $victim): killed by signal 9" out; then hit=1; break; fi
done
expect "killed: a worker at work was hit" $hit 1
hit=0
for _ in 1 2 3 4 5; do
    killed_worker 5 "$EMP_BIN/example-bruteforce"
    expect "manager.c, killed: exit code: $(cat err)" $? 0
    cmp out answers.expected || fail "manager.c, killed: not the answers"
    if grep -q ': 1 worker processes were lost$' err; then hit=1; break; fi
done
expect "manager.c, killed: a worker was hit" $hit 1

# What cannot be: a word that is none, a tool that is no list, a list too few.
search_job wrong.yaml '"no word"' 20000
"$eisenmp" run wrong.yaml >wrong.out 2>wrong.err
expect "no word: exit code" $? 1
grep -q "word: expected a text of 1 to 20 letters" wrong.err || fail "no word: said '$(cat wrong.err)'"
search_job wrong.yaml AMGNO 120
sed -i 's/woerter: .*/woerter: Mango/' wrong.yaml
"$eisenmp" run wrong.yaml >wrong.out 2>wrong.err
expect "no list: exit code" $? 1
grep -q "mp_tools_q: expected a list of words" wrong.out || fail "no list: said '$(cat wrong.out)'"
search_job wrong.yaml AMGNO 120
sed -i 's/lists: 2/lists: 3/' wrong.yaml
"$eisenmp" run wrong.yaml >wrong.out 2>wrong.err
expect "a list too few: exit code" $? 1
grep -q "mp_tools_q: found 2 lists, expected 3" wrong.out || fail "a list too few: said '$(cat wrong.out)'"
"$EMP_BIN/example-bruteforce" AMGNO x2 >wrong.out 2>wrong.err
expect "manager.c, no word: exit code" $? 2
grep -q "found 'x2'" wrong.err || fail "manager.c, no word: said '$(cat wrong.err)'"
finish
