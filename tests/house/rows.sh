# Every behaviour of the original (B1 to B32) and every example (E1 to E9) has a test that is named after it: a Criterion
# test with the row in its name, or a system test that names it where it fails. Says how many, and which have none. A row whose
# tests were all skipped when they ran last is told, and this is skipped too: nothing is wrong, and nothing is shown.
. "$EMP_SOURCE/tests/system/lib.bash"
skipped_tests=$(cd "${EMP_BUILD:-$EMP_BIN/..}/skipped" 2>/dev/null && echo *)
cd "$EMP_SOURCE" || exit 1

# scripts [all]: system tests, without those that were skipped.
scripts ()
{
    local file name
    for file in tests/system/*.sh; do
        name=${file##*/}
        [ -z "${1:-}" ] && [[ " $skipped_tests " = *" ${name%.sh} "* ]] || echo "$file"
    done
}
# rows [all]: what names of tests, and words that a failure would print, name; not comments.
rows ()
{
    {
        grep -rhoE '^(Test|EACH_METHOD|ParameterizedTest|Theory) ?\(.*' tests/unit
        scripts "$@" | xargs grep -hE '^[^#]*(expect|matches|fail|ok|refused) .*"'
    } | grep -oE '\b[BE][0-9]+(_|\b)' | tr -d _ | sort -u
}
all=$(rows all)
shown=$(rows)
missing=
skipped=
total=0
for row in B{1..32} E{1..9}; do
    total=$((total + 1))
    if ! grep -qx "$row" <<<"$all"; then
        missing="$missing $row"
    elif ! grep -qx "$row" <<<"$shown"; then
        skipped="$skipped $row"
    fi
done
echo "rows of behaviour that a test is named after: $((total - $(wc -w <<<"$missing"))) of $total${skipped:+, without one that was not skipped:$skipped}"
[ -z "$missing" ] || fail "no test is named after:$missing"
[ -z "$skipped" ] || skip "the tests of$skipped ($skipped_tests)"
finish rows
