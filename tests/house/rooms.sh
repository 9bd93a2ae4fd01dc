#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Rooms use each other in one order only, so what a file includes from outside its room is checked by name:
#   common <- common/net <- broker <- manager,  common <- common/net <- worker,  broker/core uses common only,
#   common <- manager/examples <- manager/examples/web.
set -u
cd "${EMP_SOURCE:?}" || exit 1
verdict=0

# room <folder> <pattern of the paths that it may include from elsewhere>
room ()
{
    local files line
    files=$(find "$1" -maxdepth 1 -name '*.[ch]')
    [ -n "$files" ] || { echo "$1: no sources"; verdict=1; return; }
    # shellcheck disable=SC2086
    while IFS= read -r line; do
        echo "$1 may not include this: $line"
        verdict=1
    done < <(grep -nE '^ *# *include +".*/' $files /dev/null | grep -vE "include +\"($2)\"")
}

room common      'nothing'
room common/net  '\.\./[a-z0-9_]+\.h'
room broker/core '\.\./\.\./common/[a-z0-9_]+\.h'
room broker      'core/[a-z0-9_]+\.h|\.\./common/[a-z0-9_/]+\.h'
room worker      '\.\./common/[a-z0-9_/]+\.h'
room manager/examples     '\.\./\.\./common/[a-z0-9_]+\.h'
room manager/examples/web '\.\./\.\./\.\./common/[a-z0-9_]+\.h|\.\./[a-z0-9_]+\.h'
room manager     '\.\./common/[a-z0-9_/]+\.h|\.\./broker/broker\.h'

# Examples are what a user writes: the public header and nothing else of ours.
while IFS= read -r line; do
    echo "an example may include only <eisenmp.h> of ours: $line"
    verdict=1
done < <(grep -rnE '^ *# *include +"' examples --include='*.c' --include='*.h' | grep -E '\.\./')

while IFS= read -r file; do
    head -n 1 "$file" | grep -q 'SPDX-License-Identifier: BSD-3-Clause' || { echo "$file: no licence line"; verdict=1; }
done < <(find common broker worker manager examples tests -name '*.[ch]')
exit $verdict
