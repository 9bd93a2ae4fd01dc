# SPDX-License-Identifier: BSD-3-Clause
#
# E2: the csv example, its job files and its manager program, against awk.
. "$EMP_SOURCE/tests/system/lib.bash"
example=$EMP_SOURCE/examples/csv
seattle=/usr/lib/python3/dist-packages/vega_datasets/_data/seattle-temps.csv

# averages <file> <column, from 1> <rows a chunk>: "ticket average" in order of ticket.
averages ()
{
    awk -F, -v column="$2" -v size="$3" '
        function flush () { printf "%d %.17g\n", ticket++, count ? sum / count : 0; sum = count = rows = 0 }
        NR == 1 { next }
        { cell = $column; rows++ }
        cell != "" && cell != "nan" { sum += cell; count++ }
        rows == size { flush () }
        END { if (rows) flush () }' "$1"
}
# pairs <report>: "ticket value" of the dictionary, in order of ticket.
pairs () { sed -n "s/^  ('_TID_\([0-9]*\)', \([-+.e0-9]*\))\(,\|\]}\)$/\1 \2/p" "$1" | sort -n; }

# same <name> <report> <averages>: the same tickets, every value to 1e-9; the rows say the same as the dictionary.
same ()
{
    pairs "$2" >found
    every_ticket_once "$1" "$2" "$(wc -l <"$3")"
    paste -d ' ' found "$3" | awk -v name="$1" '
        { d = $2 - $4; if (d < 0) d = -d }
        NF != 4 || $1 != $3 || !(d <= 1e-9) { print name ": found " $1 " " $2 ", expected " $3 " " $4; bad = 1 }
        END { exit bad }' || fail "E2: $1: averages differ"
    expect "$1: rows" "$(sed -n '/^--- Result for/,/^    --- END ---$/p' "$2" | sed '1d;$d' | sort | cksum)" \
        "$(cut -d ' ' -f 2 found | sort | cksum)"
}
# small_job <file.csv> <rows a chunk>: a job on a file in the current folder.
small_job ()
{
    sed -e "s|csv: .*, column|csv: $1, column|; s|^ROWS_MAX: .*|ROWS_MAX: $2|; s|^INFO_THREAD_MAX.*||" "$example/job.yaml"
}

# ---- job.yaml as it is, on its own file; a sanitizer gets a fifth of it -----------------------------------------------
rows=5000000
[ -z "$EMP_SANITIZE" ] || rows=1000000
sh "$example/make-revised" "$rows" revised.csv
expect "make-revised: lines" "$(wc -l <revised.csv)" $((rows + 1))
expect "make-revised: empty cells and nan" "$(awk -F, '$2 == "" { e = 1 } $2 == "nan" { n = 1 } END { print e + n }' revised.csv)" 2
cp "$example/job.yaml" .
averages revised.csv 2 50000 >revised.averages
"$eisenmp" run job.yaml >revised.out 2>revised.err
expect "job.yaml: exit code" $? 0
expect "job.yaml: title" "$(sed -n 2p revised.out)" "--- Result for [revised.csv, Average calculation]---"
expect "job.yaml: tickets, and none more for rows that divide evenly" "$(tickets revised.out | wc -l)" $((rows / 50000))
same job.yaml revised.out revised.averages
expect "a chunk of nothing but empty cells and nan" "$(pairs revised.out | sed -n 's/^19 //p')" 0.0
expect "job.yaml: watchdogs" "$(grep -c 'Process-[1-5], pid [0-9]*, .*Watchdog_' revised.err)" 5

"$EMP_BIN/example-csv" revised.csv value 50000 >program.out 2>program.err
expect "manager.c: exit code" $? 0
expect "manager.c: title" "$(sed -n 2p program.out)" "--- Result for [revised.csv, Average calculation]---"
same manager.c program.out revised.averages
expect "the same averages from both" "$(pairs program.out | cksum)" "$(pairs revised.out | cksum)"

# ---- chunks at the edges ----------------------------------------------------------------------------------------------
for count in 999 1000 1001; do
    sh "$example/make-revised" $count "small.csv"
    small_job small.csv 500 >small.yaml
    averages small.csv 2 500 >small.averages
    "$eisenmp" run small.yaml >small.out 2>small.err
    expect "$count rows: exit code" $? 0
    expect "$count rows: tickets" "$(tickets small.out | wc -l)" $(((count + 499) / 500))
    same "$count rows" small.out small.averages
done

# ---- a cell that is no number: the ticket is dead, named with the cell, the others are there ---------------------------
sed '700s/,.*/,forty/' small.csv >bad.csv
small_job bad.csv 500 >bad.yaml
"$eisenmp" run bad.yaml >bad.out 2>bad.err
expect "a bad cell: exit code" $? 1
expect "a bad cell: tickets" "$(tickets bad.out | tr '\n' ' ')" "0 2 "
grep -q "^mp_input_q (default);_TID_1: 5 attempts: .*row 198 of the chunk: 'forty' is no number" bad.out \
    || fail "a bad cell is not named: $(sed -n '/dead/,$p' bad.out)"

# ---- the real file, where it is installed ---------------------------------------------------------------------------------
if [ -r "$seattle" ]; then
    averages "$seattle" 2 500 >seattle.averages
    expect "seattle: chunks" "$(wc -l <seattle.averages)" 18
    "$eisenmp" run "$example/seattle.yaml" >seattle.out 2>seattle.err
    expect "seattle: exit code" $? 0
    same seattle seattle.out seattle.averages
    "$EMP_BIN/example-csv" "$seattle" temp 500 >seattle2.out 2>seattle2.err
    expect "seattle, manager.c: exit code" $? 0
    same "seattle, manager.c" seattle2.out seattle.averages
fi

# ---- what is asked for wrongly ----------------------------------------------------------------------------------------------
"$EMP_BIN/example-csv" nowhere.csv >wrong.out 2>wrong.err
expect "no such file: exit code" $? 2
"$EMP_BIN/example-csv" small.csv nothing >wrong.out 2>wrong.err
expect "no such column: exit code" $? 2
[ -r "$seattle" ] || skip "no $seattle (package python3-vega-datasets)"
finish
