# Every behaviour of the original (B1 to B32) and every example (E1 to E9) has a test that is named after it: a Criterion
# test with the row in its name, or a system test that names it where it fails. Says how many, and which have none.
. "$EMP_SOURCE/tests/system/lib.bash"
cd "$EMP_SOURCE" || exit 1

# Names of tests, and words that a failure would print: not comments alone.
names ()
{
    grep -rhoE '^(Test|EACH_METHOD|ParameterizedTest|Theory) ?\(.*' tests/unit
    grep -rhE '(expect|matches|fail|ok|refused) .*"' tests/system/*.sh
    grep -lE '^# E[0-9]' tests/system/example*.sh | while read -r file; do sed -n '/^# E[0-9]/{s/:.*//p;q}' "$file"; done
}
covered=$(names | grep -oE '\b[BE][0-9]+(_|\b)' | tr -d _ | sort -u)
missing=
total=0
for row in B{1..32} E{1..9}; do
    total=$((total + 1))
    grep -qx "$row" <<<"$covered" || missing="$missing $row"
done
count=$((total - $(wc -w <<<"$missing")))
echo "rows of behaviour that a test is named after: $count of $total"
[ -z "$missing" ] || fail "no test is named after:$missing"
finish rows
