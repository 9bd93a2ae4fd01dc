# SPDX-License-Identifier: BSD-3-Clause
#
# anagrams.bash - what the tests of the two anagram examples (E4, E5) have in common.
lists=(/usr/share/dict/american-english-huge /usr/share/dict/ngerman)
for list in "${lists[@]}"; do
    [ -e "$list" ] || skip "no $list (packages wamerican-huge, wngerman)"
done

# What both programs print: the eight words of the original and their anagrams.
cat >answers.expected <<'ANSWERS'
AMGNO: among mango
AACEFHKLMSS: none
DIKKLOOR: Krokodil
BEEINNRST: Bernstein
CEEHNNRST: Sternchen
EEHINORST: Hortensie
EEEFFIKORRS: none
CFHHILORRS: Schilfrohr
ANSWERS

# rows <report>: the result rows.
rows () { sed -n '/^--- Result for \[/,/^    --- END ---$/p' "$1" | sed '1d;$d'; }

# busy <pid of a manager> <ticks of CPU time>: a worker process that has used so many.
busy ()
{
    local p stat
    for p in $(slots "$1"); do
        read -r stat 2>/dev/null <"/proc/$p/stat" || continue
        read -ra stat <<<"${stat##*) }"
        if [ "${stat[11]}" -ge "$2" ]; then echo "$p"; return; fi
    done
    return 1
}
busy_or_over () { busy "$@" >/dev/null || is_over "$1"; }

# killed_worker <ticks> <command…>: runs it, output in out and err, and kills a worker that has used so much CPU time. Its
# exit code is the command's; `victim` is its pid, empty when the run was over sooner.
killed_worker ()
{
    local ticks=$1 pid
    shift
    "$@" >out 2>err &
    pid=$!
    until_true 60 busy_or_over $pid "$ticks"
    victim=$(busy $pid "$ticks") && kill -KILL "$victim" 2>/dev/null || victim=
    wait $pid
}
