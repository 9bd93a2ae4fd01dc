# Bad input: each is refused with exit 2 before anything starts, and says where it is, what was found and what was expected.
. "$EMP_SOURCE/tests/system/lib.bash"

good ()
{
    cat <<YAML
ROWS_MAX: 10
worker_modules:
  - {worker_path: $EMP_TEST_MODULES/trouble.so, worker_ref: worker_entrance}
queues:
  - {name: blue_q_7, maxsize: 3}
feed:
  - {queue: mp_input_q, range: {start: 0, count: 100}}
YAML
}
good >good.yaml
"$eisenmp" run good.yaml >out 2>err || fail "the good file is refused: $(cat err)"

# refused <name> <line:column, or nothing> <pattern…>: every pattern stands in the message.
refused ()
{
    local name=$1 place=$2 code
    shift 2
    "$eisenmp" run "$name" >out 2>err
    code=$?
    expect "$name: exit code" $code 2
    expect "$name: nothing on stdout" "$(wc -c <out)" 0
    grep -qF "$name:$place" err || fail "$name: no '$name:$place' in: $(cat err)"
    for pattern in "$@"; do
        grep -qiE -- "$pattern" err || fail "$name: no '$pattern' in: $(cat err)"
    done
}
change () { good | sed "$2" >"$1"; }

change key.yaml 's/^ROWS_MAX/ROWS_MAY/';                     refused key.yaml 1:1 'ROWS_MAY' 'ROWS_MAX'
change type.yaml 's/^ROWS_MAX: 10/ROWS_MAX: many/';          refused type.yaml 1:11 'many' 'integer'
change rows.yaml 's/^ROWS_MAX: 10/ROWS_MAX: 0/';             refused rows.yaml 1:11 'found 0' 'expected .* 1'
change maxsize.yaml 's/maxsize: 3/maxsize: 0/';              refused maxsize.yaml 5:31 'found 0' 'expected'
change negative.yaml 's/maxsize: 3/maxsize: -4/';            refused negative.yaml 5:31 'found -4' 'expected'
change twice.yaml 's/^feed:/  - {name: blue_q_7, maxsize: 9}\nfeed:/'; refused twice.yaml 6:12 'blue_q_7' 'already|duplicate|twice'
change module.yaml 's/trouble.so/troubel.so/';               refused module.yaml 3:19 'troubel.so' 'found no file'
change symbol.yaml 's/worker_entrance/worker_entrence/';     refused symbol.yaml 3: 'worker_entrence' 'worker_entrance'
echo "no shared object" >text.so
change text.yaml "s|worker_path: [^,]*|worker_path: ./text.so|"; refused text.yaml 3: 'text.so' 'text file' 'shared object'
change queue.yaml 's/mp_input_q/mp_inputq/';                 refused queue.yaml 7: 'mp_inputq' 'mp_input_q'
change syntax.yaml 's/count: 100}}/count: 100}/';            refused syntax.yaml '' 'error'
change lines.yaml 's/range: {start: 0, count: 100}/lines: nowhere.txt/'; refused lines.yaml 7: 'nowhere.txt' 'no such file|not found'
printf 'a,b\n1,2\n' >table.csv
change column.yaml 's/range: {start: 0, count: 100}/csv: table.csv, column: bb/'; refused column.yaml 7: 'bb' "a|b"
: >table.csv
change empty_csv.yaml 's/range: {start: 0, count: 100}/csv: table.csv, column: a/'
refused empty_csv.yaml 7: "error: csv '.*table.csv': found an empty file"
{ good; echo "RESULTS_FILE: nowhere/out.db"; } >folder_of.yaml; refused folder_of.yaml 8:15 'nowhere/out.db' 'no such file'
: >empty.yaml;        refused empty.yaml '' 'empty' 'expected'
mkdir folder.yaml;    refused folder.yaml '' 'directory|folder'
change program.yaml 's/range: {start: 0, count: 100}/program: [nosuch, 1]/'; refused program.yaml 7:35 nosuch "PATH"
refused missing.yaml '' 'no such file'
head -c 4096 /dev/urandom >noise.yaml; "$eisenmp" run noise.yaml >out 2>err; expect "noise: exit code" $? 2

# The command line.
for words in "" "frobnicate" "run" "run a b" "run --procs 0 good.yaml" "run --procs x good.yaml" "run --nonsense good.yaml"; do
    # shellcheck disable=SC2086
    "$eisenmp" $words >out 2>err
    expect "eisenmp $words: exit code" $? 2
    [ -s err ] || fail "eisenmp $words: says nothing"
done
"$eisenmp" rnu >out 2>err; grep -q 'did you mean "run"' err || fail "rnu: no suggestion"
"$eisenmp" --version | grep -q '^eisenmp [0-9]' || fail "no version"
for command in run settings keys worker broker examples; do
    "$eisenmp" $command --version | grep -q '^eisenmp[a-z-]* [0-9]' || fail "$command: no version"
    "$eisenmp" $command --help | grep -q '^Usage: eisenmp' || fail "$command: no help"
done
for command in settings --help --version; do
    "$eisenmp" $command >/dev/full 2>err
    expect "$command >/dev/full: exit code" $? 1
    grep -q 'standard output: No space' err || fail "$command >/dev/full: $(cat err)"
    "$eisenmp" $command >&- 2>err
    expect "$command, standard output closed: exit code" $? 1
    grep -q 'standard output: Bad file' err || fail "$command, standard output closed: $(cat err)"
done
"$eisenmp" run good.yaml >/dev/full 2>err
code=$?
expect "run >/dev/full: exit code, one sentence: $(cat err)" "$code $(grep -c 'standard output' err)" "1 1"
change input.yaml 's/range: {start: 0, count: 100}/lines: "-"/'
"$eisenmp" run input.yaml >out 2>err <&-
expect "lines from a closed standard input: exit code" $? 1
grep -q 'Bad file' err || fail "lines from a closed standard input: $(cat err)"
"$eisenmp" --help | grep -q 'run a job file' || fail "no help"
"$eisenmp" run --help | grep -q 'Exit status' || fail "run --help says nothing of the exit status"
"$eisenmp" worker --help | grep -q connect || fail "worker --help"
finish
