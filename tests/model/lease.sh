#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# lease.sh [folder]: searches through all that can happen in lease.pml, once as it is, and once without each of its guards: then an
# error must be found, or the property is none. With a folder the programs stay there.
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
core=$(readlink -f "$here/../../broker/core")
for tool in spin gcc cpp; do
    command -v "$tool" >/dev/null || { echo "lease: $tool is not installed: skipped"; exit 77; }
done
if [ $# -gt 0 ]; then
    work=$1
else
    work=$(mktemp -d "${TMPDIR:-/tmp}/eisenmp-model.XXXXXX")
    trap 'rm -rf "$work"' EXIT
fi

# make <name> <table's folder> [flags of cpp]: builds the searcher of the model with the states.def of that folder. What gcc's
# optimizer gains in the search it loses in the building.
make ()
{
    local name=$1 table=$2
    shift 2
    mkdir -p "$work/$name"
    cpp -P -I"$table" "$@" "$here/lease.pml" >"$work/$name/lease.pml"
    # spin says all that is wrong with a model on stdout, and its exit code not always.
    (cd "$work/$name" && spin -a lease.pml >spin.log && [ ! -s spin.log ] && gcc -w -DSAFETY -DNOFAIR -o pan pan.c) ||
        { cat "$work/$name/spin.log"; echo "lease: the model of $name cannot be built"; exit 1; }
}

# search <folder> <log>: all of it, or up to the first error.
search ()
{
    local code=0
    (cd "$work/$1" && timeout 300 ./pan -m100000) >"$work/$2" 2>&1 || code=$?
    [ "$code" = 0 ] || { cat "$work/$2"; echo "lease: the search ended with $code"; exit 1; }
}

# broken <folder> <what>: an error must have been found, and be one of the model's.
broken ()
{
    search "$1" "$2.log"
    if ! grep -qE 'pan:1: (assertion violated|invalid end state)' "$work/$2.log"; then
        cat "$work/$2.log"
        echo "lease: without the guard $2 nothing is wrong, so nothing says that it is needed"
        exit 1
    fi
    echo "lease: $2: $(grep -m 1 -oE 'assertion violated.*|invalid end state' "$work/$2.log")"
}

make whole "$core"
search whole whole.log
grep -qE 'errors: 0$' "$work/whole.log" && ! grep -qE 'max search depth too small|Search not completed|out of memory' "$work/whole.log" ||
    { cat "$work/whole.log"; echo "lease: an error, or the search was not exhausted"; exit 1; }
grep -E 'states, stored$|elapsed time|depth reached' "$work/whole.log"

# The guards' names are the model's own; what is done without is chosen as the searcher starts. Fewer faults are enough.
make small "$core" -DFAULTS=2 -DATTEMPTS_MAX=2
guards=$(sed -n 's/^#define \(NO_[A-Z_]*\|COUNTS_EARLY\|EXIT_LIES\) WITHOUT ([0-9]*).*/\1/p' "$here/lease.pml")
[ "$(echo "$guards" | wc -w)" -ge 9 ] || { echo "lease: found the guards $guards, expected 9 at least"; exit 1; }
search small small.log
grep -qE 'errors: 0$' "$work/small.log" || { cat "$work/small.log"; echo "lease: an error with fewer faults"; exit 1; }
number=0
for guard in $guards; do
    number=$((number + 1))
    WITHOUT=$number broken small "$guard"
done

# A row of the table that says something else makes another model.
mkdir -p "$work/table"
sed 's/X (HELD, *LOST, *COMES_BACK)/X (HELD, LOST, IS_STALE)/' "$core/states.def" >"$work/table/states.def"
! cmp -s "$core/states.def" "$work/table/states.def" || { echo "lease: states.def has no row HELD, LOST any more"; exit 1; }
make changed "$work/table" -DFAULTS=2 -DATTEMPTS_MAX=2
broken changed "states.def_HELD_LOST"
