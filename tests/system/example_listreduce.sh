# SPDX-License-Identifier: BSD-3-Clause
#
# E5: the listreduce example, its job file and its manager program: two word lists are the work, two feeders on one queue.
. "$EMP_SOURCE/tests/system/lib.bash"
. "$EMP_SOURCE/tests/system/anagrams.bash"
example=$EMP_SOURCE/examples/listreduce

# found <report>: "SEARCHED: words…" of its rows, each word once whatever its case, as the program prints them but sorted.
found ()
{
    rows "$1" | sed "s/^{'\(.*\)': '\(.*\)'}$/\1 \2/" | LC_ALL=C sort -r | awk '!seen[tolower($0)]++' | LC_ALL=C sort |
        awk '{ list[$1] = list[$1] " " $2 } END { for (word in list) print word ":" list[word] }' | sort
}
grep -v ' none$' answers.expected | sort >found.expected

{ cat "$example/job.yaml"; echo "RESULTS_DICT_PRINT: true"; } >job.yaml
"$eisenmp" run job.yaml >job.out 2>job.err
expect "job.yaml: exit code: $(cat job.err)" $? 0
expect "E5: job.yaml: answers" "$(found job.out)" "$(cat found.expected)"
expect "job.yaml: tickets" "$(tickets job.out | cksum)" "$( (seq 0 34; seq 0 35) | sort -n | cksum)"
expect "job.yaml: names" "$(grep -o "'[a-z]*': \[" job.out | sort | paste -sd ' ')" "'english': [ 'german': ["
"$EMP_BIN/example-listreduce" >program.out 2>program.err
expect "manager.c: exit code: $(cat program.err)" $? 0
cmp program.out answers.expected || fail "manager.c: not the answers"
"$EMP_BIN/example-listreduce" cfhhilorrs mango >program.out 2>program.err
expect "manager.c: two words" "$? $(paste -sd ';' program.out)" "0 cfhhilorrs: Schilfrohr;mango: among mango"

# Five letters, each once, have more answers than the program has room for at first.
cat "${lists[@]}" | grep -aixE '[aerst]{5}' | grep -ai a | grep -ai e | grep -ai r | grep -ai s | grep -ai t | tr A-Z a-z | sort -u >many.expected
"$EMP_BIN/example-listreduce" aerst >program.out 2>program.err
expect "manager.c, aerst" "$(sed 's/^aerst: //' program.out | tr ' A-Z' '\na-z' | sort)" "$(cat many.expected)"
[ "$(wc -l <many.expected)" -gt 8 ] || fail "aerst: too few words to show anything: $(wc -l <many.expected)"

# A worker dies when half of a list is there: the other half comes only then.
mkfifo english
sed 's|lines: /usr/share/dict/american-english-huge|lines: english|' "$example/job.yaml" >killed.yaml
"$eisenmp" run killed.yaml >out 2>err &
pid=$!
exec 3>english # waits for the reader
half=$(($(wc -l <"${lists[0]}") / 2))
head -n $half "${lists[0]}" >&3
until_true 60 at_least 1 "slots $pid"
victim=$(slots $pid | head -n 1)
kill -KILL "$victim"
until_true 60 is_over "$victim"
tail -n +$((half + 1)) "${lists[0]}" >&3
exec 3>&-
wait $pid
expect "killed: exit code: $(cat err)" $? 0
grep -q "(pid $victim): killed by signal 9" out || fail "killed: it is not in the report"
expect "killed: answers" "$(found out)" "$(cat found.expected)"
hit=0
for _ in 1 2 3 4 5 6 7 8 9 10; do
    killed_worker 1 "$EMP_BIN/example-listreduce"
    expect "manager.c, killed: exit code: $(cat err)" $? 0
    cmp out answers.expected || fail "manager.c, killed: not the answers"
    if grep -q ' worker processes were lost$' err; then hit=1; break; fi
done
expect "manager.c, killed: a worker was hit" $hit 1

# What cannot be: rows that are no text, nothing to search for.
sed '/^feed/,/^toolbox/c feed: [{range: {start: 0, count: 3}}]\ntoolbox:' "$example/job.yaml" >wrong.yaml
"$eisenmp" run wrong.yaml >wrong.out 2>wrong.err
expect "no text: exit code" "$? $(grep -c 'row 0 is no text' wrong.out)" "1 1"
sed 's/searched: .*/searched: AMGNO/' "$example/job.yaml" >wrong.yaml
"$eisenmp" run wrong.yaml >wrong.out 2>wrong.err
expect "no list: exit code" $? 1
grep -q "searched: expected a list of words" wrong.out || fail "no list: said '$(tail -n 3 wrong.out)'"
long=$(printf 'a%.0s' {1..65})
for words in "[AMGNO, $long]" "[AMGNO, 5]"; do
    sed "s/searched: .*/searched: $words/" "$example/job.yaml" >wrong.yaml
    "$eisenmp" run wrong.yaml >wrong.out 2>wrong.err
    expect "$words: exit code" $? 1
    grep -q "searched: expected a list of words of at most 64 bytes" wrong.out || fail "$words: said '$(tail -n 3 wrong.out)'"
done
for word in "$long" ""; do
    "$EMP_BIN/example-listreduce" AMGNO "$word" >wrong.out 2>wrong.err
    expect "manager.c, '$word': exit code" "$? $(grep -c "found '$word', expected words of 1 to 64 bytes" wrong.err)" "2 1"
done
"$EMP_BIN/example-listreduce" "${long#a}" >program.out 2>program.err
expect "manager.c, 64 bytes" "$? $(cat program.out)" "0 ${long#a}: none"
"$EMP_BIN/example-listreduce" -h >wrong.out 2>wrong.err
expect "usage: exit code" $? 2
finish
