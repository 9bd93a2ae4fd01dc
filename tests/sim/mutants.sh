#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Breaks one line of the cores at a time (mutants.txt) and demands that the simulator or a unit test notices. A mutant that nobody
# notices fails this, and so does one whose line is not there any more. Only the cores, the simulator and their unit tests are built.
#
#   tests/sim/mutants.sh BUILD [NUMBER…]    BUILD: where eisenmp.h is, and what is built goes; NUMBER: only these
#   tests/sim/mutants.sh --sentences BUILD  which sentences of broker/core/check.c no mutant of the last run has brought about
set -uo pipefail
export LC_ALL=C
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
cd "$here/../.." || exit 1
table=$here/mutants.txt
units="step end poison balance credit ledger backlog index pool snapshot"
sources=(broker/core/*.c common/consumer.c common/producer.c)

if [ "${1:-}" = --sentences ]; then
    found=0 all=0
    while IFS= read -r sentence; do
        all=$((all + 1))
        if grep -qhF "$sentence" "$2"/mutants/*/said 2>/dev/null; then
            found=$((found + 1))
        else
            echo "no mutant: $sentence"
        fi
    done < <(grep -o '"[a-z][^"]*"' broker/core/check.c | tr -d '"' | grep -v '\.h$' | sort -u)
    echo "mutants: $found of $all sentences of broker/core/check.c were brought about"
    exit 0
fi

one=
[ "${1:-}" != --one ] || { one=$3; shift; }
build=$(readlink -m "${1:?the folder of a build}")
shift
work=$build/mutants
flags=(-std=gnu11 -O1 -D_GNU_SOURCE= -I. -I"$build/include" -w)

# The texts of the n-th mutant: file, old, new, sentence. Lines of a text that has several begin with a space, as those of a diff.
read_mutant ()
{
    local n=0 line part=
    file= old= new= sentence=
    while IFS= read -r line || [ -n "$line" ]; do
        case "$line" in
        broker/* | common/*) n=$((n + 1)); [ "$n" -le "$1" ] || return 0; file=$line old= new= part= ;;
        '-'*) part=old; old=${line:1} ;;
        '+'*) part=new; new=${line:1} ;;
        '!'*) [ "$n" != "$1" ] || sentence=${line:2}; part= ;;
        '#'*) part= ;;
        ' '*) [ -z "$part" ] || printf -v "$part" '%s\n%s' "${!part}" "${line:1}" ;;
        esac
    done <"$table"
    [ -n "$sentence" ]
}

# Prints what it says, and whether it fails. A core that does not end is noticed, too.
notices ()
{
    local by=$1
    shift
    timeout 100 "$@" >"$folder/out" 2>&1
    local status=$?
    [ $status -ne 0 ] || return 1
    grep -ohE 'seed [0-9]+ fails: .*' "$folder/out" | head -n 1 >>"$folder/said"
    grep -ohE 'Assertion .*|invariant.*' "$folder/out" | head -n 3 >>"$folder/said"
    cat "$folder/out" >>"$folder/said"
    echo "$by"
}

mutant ()
{
    local n=$1 text rest object objects by
    read_mutant "$n" || exit 0
    folder=$work/$n
    rm -rf "$folder"
    mkdir -p "$folder/broker/core" "$folder/common"
    text=$(cat "$file"; echo x)
    # In the table a text begins behind its sign and a space of the diff's, at the line's own first column.
    old=${old:1} new=${new:1}
    rest=${text#*"$old"}
    if [ "$rest" = "$text" ]; then
        echo "mutant $n ($file): its line is not there any more: $old"
        return 1
    fi
    if [[ $file != *.h && $rest == *"$old"* ]]; then
        echo "mutant $n ($file): its line is there twice: $old"
        return 1
    fi
    cp broker/core/*.[ch] broker/core/*.def "$folder/broker/core/"
    cp common/*.h common/consumer.c common/producer.c "$folder/common/"
    text=${text/"$old"/"$new"}
    printf '%s' "${text%x}" >"$folder/$file"
    objects=()
    for source in "${sources[@]}"; do
        object=$work/plain/${source//\//_}.o
        if [ "$source" = "$file" ] || [[ $file == *.h || $file == *.def ]]; then
            object=$folder/${source//\//_}.o
            (cd "$folder" && cc "${flags[@]}" -c "$source" -o "$object") || { echo "mutant $n ($file): does not compile"; return 1; }
        fi
        objects+=("$object")
    done
    local sims=("$work"/plain/sim_*.o)
    if [[ $file == *.h ]]; then
        sims=()
        for source in tests/sim/*.c; do
            cc -std=gnu11 -O1 -D_GNU_SOURCE= -w -I"$folder" -I. -I"$build/include" -c "$source" -o "$folder/${source##*/}.o"
            sims+=("$folder/${source##*/}.o")
        done
    fi
    cc "${sims[@]}" "${objects[@]}" -o "$folder/sim" || return 1
    : >"$folder/said"
    by=$(notices simulator "$folder/sim" --seed 1 --count 4000 --brief) || {
        cc "$work"/plain/unit_*.o "${objects[@]}" -lcriterion -o "$folder/units" || return 1
        by=$(notices "unit tests" "$folder/units" --jobs 1) || by=$(notices "simulator, with many schedules" "$folder/sim" --seed 5000 --count 30000 --brief) || by=
    }
    rm -rf "$folder"/*.o "$folder/sim" "$folder/units" "$folder/broker" "$folder/common" "$folder/out"
    if [ -z "$by" ]; then
        echo "mutant $n ($file) SURVIVES: $sentence"
        return 1
    fi
    echo "mutant $n ($file): $sentence: noticed by the $by: $(head -n 1 "$folder/said" | cut -c1-100)"
}

if [ -n "$one" ]; then
    mutant "$one"
    exit
fi

start=$SECONDS
rm -rf "$work"
mkdir -p "$work/plain"
for source in "${sources[@]}"; do
    cc "${flags[@]}" -c "$source" -o "$work/plain/${source//\//_}.o" || exit 1
done
for source in tests/sim/*.c; do
    cc "${flags[@]}" -c "$source" -o "$work/plain/sim_${source##*/}.o" || exit 1
done
for unit in $units; do
    cc "${flags[@]}" -c "tests/unit/broker/test_$unit.c" -o "$work/plain/unit_$unit.o" || exit 1
done
for unit in consumer producer; do
    cc "${flags[@]}" -c "tests/unit/common/test_$unit.c" -o "$work/plain/unit_$unit.o" || exit 1
done
count=$(grep -cE '^(broker|common)/' "$table")
[ $# -gt 0 ] || set -- $(seq "$count")
printf '%s\n' "$@" | xargs -P "$(getconf _NPROCESSORS_ONLN)" -n 1 bash "${BASH_SOURCE[0]}" --one "$build" >"$work/log"
verdict=$?
grep -vE ': noticed by ' "$work/log"
echo "mutants: $(grep -c ': noticed by ' "$work/log") of $# noticed, in $((SECONDS - start)) s"
exit $((verdict != 0))
