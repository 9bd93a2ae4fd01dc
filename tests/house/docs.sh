#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Every folder of the tree has a README.md, and every relative link in a Markdown file leads to something.
set -u
cd "${EMP_SOURCE:?}" || exit 1
verdict=0

for folder in . common broker manager worker tests docker examples; do
    [ -s "$folder/README.md" ] || { echo "$folder: no README.md"; verdict=1; }
done
while IFS= read -r page; do
    while IFS= read -r link; do
        [ -e "$(dirname "$page")/${link%%#*}" ] || { echo "$page: leads nowhere: $link"; verdict=1; }
    done < <(grep -oE '\]\([^)]+\)' "$page" | sed 's/^](//; s/)$//' | grep -vE '^(https?:|mailto:|#)')
done < <(find . -name '*.md' -not -path './build/*' -not -path './.git/*')
exit $verdict
