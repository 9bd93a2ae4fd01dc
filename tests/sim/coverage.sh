#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Branches of the cores that unit tests and simulator take, by gcov: what ./dev check coverage runs behind them. Fails below 95 %.
# Not counted are branches of lines with an assert, which are taken in one way or the program has ended, and those of check.c:
# a sentence there that is said is a failure.
#
#   tests/sim/coverage.sh BUILD [--missing]    --missing: also each line with a branch that was never taken
set -uo pipefail
export LC_ALL=C
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." || exit 1
build=$(readlink -m "${1:?the folder of a build with EMP_COVERAGE}")
data=("$build"/CMakeFiles/emp_broker_core.dir/broker/core/*.gcda
      "$build"/CMakeFiles/emp_common.dir/common/{consumer,producer}.c.gcda)
for file in "${data[@]}"; do
    [ -e "$file" ] || { echo "coverage: $file is not there: was it built with --preset coverage, and did it run?" >&2; exit 1; }
done
(cd "$build" && gcov --branch-probabilities --branch-counts --stdout "${data[@]}" 2>/dev/null) |
    awk -v missing="${2:-}" '
        /^ *-: *0:Source:/ { file = $0; sub (/.*Source:/, "", file); sub (/.*\/(broker|common)\//, "&", file)
                             n = split (file, parts, "/"); file = parts[n - 1] "/" parts[n]
                             wanted = file ~ /^(core\/.*|common\/(consumer|producer)\..)$/ && file != "core/check.c"; next }
        /^ *[-#=0-9*]+: *[0-9]+:/ { line = $0; sub (/^[^:]*: */, "", line); number = line + 0; sub (/^[0-9]+:/, "", line)
                                    quiet = line ~ /assert \(/; branch = 0; text[file ":" number] = line; next }
        /^branch / { if (!wanted || quiet) next
                     key = file ":" number SUBSEP branch++
                     taken = $3 == "never" || $4 == "0" ? 0 : $4
                     if (!(key in most)) { most[key] = 0; order[count++] = key; of[key] = file }
                     if (taken > most[key]) most[key] = taken }
        END { for (i = 0; i < count; i++) {
                  key = order[i]; all[of[key]]++; sum++
                  if (most[key]) { some[of[key]]++; reached++; continue }
                  split (key, where, SUBSEP)
                  if (missing != "") lost[where[1]] = lost[where[1]] " " where[2] }
              for (file in all) printf "%-24s %5d of %5d branches %6.1f %%\n", file, some[file], all[file], 100 * some[file] / all[file] | "sort"
              close ("sort")
              for (place in lost) printf "never: %s branch%s: %s\n", place, lost[place], text[place] | "sort -t: -k2,2 -k3n"
              close ("sort -t: -k2,2 -k3n")
              if (!sum) { print "coverage: nothing was counted"; exit 1 }
              printf "coverage: %d of %d branches of the cores, %.2f %%\n", reached, sum, 100 * reached / sum
              exit reached / sum < 0.95 }'
