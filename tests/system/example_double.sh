# SPDX-License-Identifier: BSD-3-Clause
#
# E3, B10, B11, B17, B20: the double example. Four queues of unequal length lose no row, whoever dies meanwhile.
. "$EMP_SOURCE/tests/system/lib.bash"
example=$EMP_SOURCE/examples/double
label="fake production of audio and video for WHO studios"

# entries <report>: "queue ticket result" of the dictionary, sorted.
entries ()
{
    sed -n '/^    --- END ---$/,$p' "$1" | awk -F"'" '
        /^[{ ].*: \[$/ { queue = $2 }
        /^  \(.*_TID_/ { print queue, $2, $4 }' | sort
}
# expected <queue> <count> <before each number>: its tickets of three rows.
expected ()
{
    seq -f "$3%g" 1 "$2" | awk -v queue="$1" '
        { text = text (text == "" ? "" : ", ") $0 }
        NR % 3 == 0 { show() }
        END { if (text != "") show() }
        function show(name) { name = queue; sub (/\|/, " ", name); print queue, "_TID_" n++, name ": " text; text = "" }'
}
{
    expected 'batch_1|audio_lg' 20 ""
    expected 'batch_1|video_in' 31 "scene "
    expected 'batch_7|audio_lg' 17 ""
    expected 'batch_7|video_in' 8 "scene "
} | sort >entries.expected
expect "tickets expected" "$(wc -l <entries.expected)" 27

# check <name> <exit code> <report>
check ()
{
    expect "E3: $1: exit code" "$2" 0
    expect "$1: title" "$(sed -n 2p "$3")" "--- Result for [$label]---"
    entries "$3" | diff - entries.expected || fail "$1: not the dictionary of the four queues"
    cut -d' ' -f3- entries.expected | sort |
        diff <(sed -n '/^--- Result for/,/^    --- END/p' "$3" | sed '1d;$d' | sort) - || fail "$1: not the rows"
}

"$eisenmp" run "$example/job.yaml" >job.out 2>job.err
check job.yaml $? job.out
"$EMP_BIN/example-double" >program.out 2>program.err
check manager.c $? program.out
"$eisenmp" run --procs 1 "$example/job.yaml" >one.out 2>one.err
check "one process" $? one.out

# Each of the two is killed while it has a ticket in hand: nearly all of its time goes to the production.
sed 's/production_time: 0.0/production_time: 0.1/' "$example/job.yaml" >slow.yaml
grep -q 'production_time: 0.1' slow.yaml || fail "the job file has another production_time"
for victim in 1 2; do
    for way in "$eisenmp run slow.yaml" "$EMP_BIN/example-double 0.1"; do
        name="kill $victim, ${way##*/}"
        rm -f killed.err # that of the run before has such lines too
        EISENMP_MODULE_PATH=$EMP_MODULES $way >killed.out 2>killed.err &
        pid=$!
        # The watchdog speaks right before the first call; the moment is spread a little behind that, it waits for nothing.
        until_true 20 at_least 2 "grep '^Process-' killed.err 2>/dev/null"
        read -rt "0.${victim}5" <><(:)
        slot=$(sed -n "s/^Process-$victim, pid \([0-9]*\),.*/\1/p" killed.err)
        kill -KILL "$slot"
        wait $pid
        check "$name" $? killed.out
        grep -q "^Process-$victim (pid $slot): killed by signal 9" killed.out || fail "$name: it was not hit: $(cat killed.err)"
    done
done

# What was asked for wrongly is told, and is 2.
for wrong in fast -1 "1 2"; do
    # shellcheck disable=SC2086
    "$EMP_BIN/example-double" $wrong >usage.out 2>usage.err
    expect "usage, $wrong: exit code" "$? $(grep -c '^usage: ' usage.err)" "2 1"
done
finish
