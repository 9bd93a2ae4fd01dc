#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# B26: a large attribute is in memory once, however many workers read it; /proc says so. After kill -9 of the manager
# nothing of it is left. The list is 64 MiB of words; with its objects of 24 bytes it takes 235 MiB.
source "${EMP_SOURCE:?}/tests/system/lib.bash"

procs=4
seq 10000000 17456540 >words.txt
count=7456541

# job_of_words <file> <feed>
job_of_words ()
{
    cat >"$1" <<END
PROCS_MAX: $procs
ROWS_MAX: 1
worker_modules:
  - {worker_path: $EMP_TEST_MODULES/words.so, worker_ref: worker_entrance}
feed:
  - $2
toolbox: {words: !lines words.txt}
END
}

# of_smaps <field> <pid…>: KiB of that field in the mappings of arenas of these processes, in all.
of_smaps ()
{
    local field=$1 pid
    shift
    for pid in "$@"; do cat "/proc/$pid/smaps"; done |
        awk -v field="$field:" '/^[0-9a-f]+-/ { arena = /memfd:eisenmp/ } arena && $1 == field { sum += $2 } END { print sum + 0 }'
}
# read_by_all <stderr>: every worker has read every word, or the run is over.
read_by_all () { is_over $manager || [ "$(grep -c 'read 67108869 bytes' "$1")" -ge $procs ]; }

# begin <name>: starts the job with a feed that stays open as descriptor 5, and waits until every worker has read all words.
begin ()
{
    mkfifo "$1.feed"
    "$eisenmp" run job.yaml <"$1.feed" >"$1.out" 2>"$1.err" &
    manager=$!
    exec 5>"$1.feed"
    until_true 60 read_by_all "$1.err" || { cat "$1.err"; finish; }
    workers=$(slots $manager)
}

job_of_words job.yaml '{lines: "-"}'

# B26: one copy for all
begin run
# shellcheck disable=SC2086
pss=$(of_smaps Pss $workers) rss=$(of_smaps Rss $workers)
one=$(((67108869 + 24 * (count + 1)) / 1024))
echo "an arena of $one KiB: Pss of $procs workers $pss KiB in all, Rss $rss KiB"
[ "$EMP_SANITIZE" = thread ] || { # which moves mappings to where it wants them, so the objects are copied
    [ "$pss" -le $((one + one / 50)) ] && [ "$pss" -ge $((one - one / 50)) ] || fail "Pss is not one copy"
    [ "$rss" -ge $((procs * (one - one / 50))) ] || fail "not every worker has read it all"
}
printf '%s\n' 0 1 5000000 7456540 >&5
exec 5>&-
wait $manager
expect "exit code" $? 0
[ "$EMP_SANITIZE" != thread ] && grep 'not shared whole' run.err && fail "an arena was moved"
expect "the words" "$(grep -E '^[0-9]{8}$' run.out | sort | xargs)" "10000000 10000001 15000000 17456540"

# A generator in the manager sees the same list.
job_of_words generated.yaml "{generator: $EMP_TEST_MODULES/word_numbers.so, generator_ref: every_millionth}"
"$eisenmp" run generated.yaml >generated.out 2>generated.err
expect "exit code with a generator" $? 0
expect "words of a generator" "$(grep -cE '^1[0-7]000000$' generated.out)" 8

# kill -9 of the manager: its workers go, and with them the memory. with_reports.sh looks for files and processes.
begin killed
supervisor=$(children $manager)
kill -KILL $manager
exec 5>&-
wait $manager 2>/dev/null
for worker in $workers; do until_true 20 is_over "$worker"; done
until_true 20 test ! -e "/proc/$supervisor"
expect "/dev/shm" "$(ls -A /dev/shm | grep -i -e emp)" "" # others' tests may come and go there

# A file that is not there is told with its place.
sed -i 's/words.txt/nobody.txt/' job.yaml
"$eisenmp" run job.yaml >none.out 2>none.err </dev/null
expect "exit code without the file" $? 2
grep -q "^job.yaml:7:25: error: words: '$PWD/nobody.txt': found no such file, expected a regular file$" none.err ||
    fail "the missing file is not told: $(cat none.err)"
finish big_data
