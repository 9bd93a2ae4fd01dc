# SPDX-License-Identifier: BSD-3-Clause
#
# E1: the prime example, its job file and its manager program, against coreutils' factor.
. "$EMP_SOURCE/tests/system/lib.bash"
example=$EMP_SOURCE/examples/prime

# rows <report>: the result rows. pairs <report>: "number value" of each line of the dictionary.
rows () { sed -n '/^--- Result for \[/,/^    --- END ---$/p' "$1" | sed '1d;$d'; }
pairs () { sed -n "s/^  ('_TID_\([0-9]*\)', \(.*\))\(,\|\]}\)$/\1 \2/p" "$1"; }

seq 1000000000000 1000000009999 | factor | awk 'NF == 2 { print $2 }' >primes.expected
expect "factor's own primes" "$(wc -l <primes.expected)" 335

# The list of every ticket's primes: 42 numbers a ticket, in order of ticket.
awk '{ ticket = int (($1 - 1000000000000) / 42); list[ticket] = list[ticket] (list[ticket] == "" ? "" : ", ") $1 }
     END { for (i = 0; i < 239; i++) print i, "[" list[i] "]" }' primes.expected >pairs.expected

# check <name> <exit code> <report>
check ()
{
    expect "$1: exit code" "$2" 0
    expect "$1: first line" "$(sed -n 1p "$3")" ""
    expect "$1: title" "$(sed -n 2p "$3")" "--- Result for [prime numbers from 10^12]---"
    rows "$3" | sort -n | cmp - primes.expected || fail "E1: $1: the rows are not the primes"
    expect "$1: key" "$(grep -c "^{'mp_input_q (default)': \[$" "$3")" 1
    expect "$1: behind END" "$(sed -n '/^    --- END ---$/{n;p;}' "$3")" "{'mp_input_q (default)': ["
    every_ticket_once "$1" "$3" 239
    pairs "$3" | sort -n | cmp - pairs.expected || fail "$1: the dictionary is not that of the primes"
    # blank line, title, 335 rows, END, key, 239 tickets, and nothing behind them
    expect "$1: lines" "$(wc -l <"$3")" $((1 + 1 + 335 + 1 + 1 + 239))
    expect "$1: last line" "$(tail -n 1 "$3" | grep -c ')\]}$')" 1
}

"$eisenmp" run "$example/job.yaml" >job.out 2>job.err
check job.yaml $? job.out
"$EMP_BIN/example-prime" >program.out 2>program.err
check manager.c $? program.out
grep . job.err program.err && fail "something was said on stderr"

# Chunks that divide the rows evenly give no ticket more; another start gives other primes.
"$EMP_BIN/example-prime" 0 84 >even.out 2>even.err
expect "84 numbers: exit code" $? 0
every_ticket_once "84 numbers" even.out 2
rows even.out | sort -n | cmp - <(seq 0 83 | factor | awk 'NF == 2 { print $2 }') || fail "the primes up to 83"

# No number, no ticket.
"$EMP_BIN/example-prime" 5 0 >none.out 2>none.err
expect "no numbers: exit code" $? 0
expect "no numbers: the report" "$(cat none.out)" \
    "$(printf '\n--- Result for [prime numbers from 10^12]---\n    --- END ---\n{}')"

# What was asked for wrongly is told, and is 2.
"$EMP_BIN/example-prime" many >usage.out 2>usage.err
expect "usage: exit code" $? 2
grep -q '^usage: ' usage.err || fail "usage: nothing was said"
finish
