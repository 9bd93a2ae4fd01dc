# The ticket dictionary beyond memory, the files that results are written to, and the API that walks it (B27, B28, B29, B6).
. "$EMP_SOURCE/tests/system/lib.bash"

# B6, B28: the report is the same from memory and from the file.
job small.yaml trouble 20000 1 "PROCS_MAX: 1" "toolbox: {trouble: several, at: 7777}"
"$eisenmp" run small.yaml >memory.out 2>memory.err
expect "memory: exit code" $? 0
sed 's/^ROWS_MAX/RESULTS_BYTES_MAX: 1048576\n&/; s/count: 20000/count: 60000/' small.yaml >spill.yaml
"$eisenmp" run spill.yaml >spill.out 2>spill.err
expect "spill: exit code" $? 0
expect "B28 spill: tickets" "$(tickets spill.out | uniq | cksum)" "$(seq 0 59999 | cksum)"
expect "B27 spill: several results" "$(grep -c "^  ('_TID_7777'" spill.out)" 3

# Each kind of file, with the run's own spelling of the key and from the command line.
for kind in db jsonl csv; do
    "$eisenmp" run --results "out.$kind" spill.yaml >"$kind.out" 2>"$kind.err"
    expect "$kind: exit code" $? 0
    expect "$kind: the report is there too" "$(tickets "$kind.out" | uniq | cksum)" "$(seq 0 59999 | cksum)"
done
expect "jsonl: results" "$(wc -l <out.jsonl)" 60002
expect "jsonl: tickets" "$(sed 's/.*"ticket":\([0-9]*\),.*/\1/' out.jsonl | sort -nu | cksum)" "$(seq 0 59999 | cksum)"
expect "csv: records" "$(wc -l <out.csv)" 60003
expect "csv: one of them" "$(grep -c $'^"mp_input_q (default)",8,8\r$' out.csv)" 1
expect "no part is left" "$(ls -A | grep -c eisenmp-part)" 0
head -c 15 out.db | grep -q "SQLite format 3" || fail "db: not a SQLite file"

# A name, a folder or a file that will not do: known before any worker is started, and nothing is changed.
refused () # <file> <text>
{
    "$eisenmp" run --results "$1" small.yaml >refused.out 2>refused.err
    expect "$1: exit code" $? 2
    grep -qF "$2" refused.err || { fail "$1: the error does not say '$2'"; cat refused.err; }
}
refused out.txt "expected a name that ends in .db, .jsonl or .csv"
refused nowhere/out.db "No such file or directory"
mkdir folder.csv
refused folder.csv "a folder"

# A run whose workers cannot start leaves the old file alone.
job nostart.yaml loader_unresolved 10 1
echo old >old.csv
"$eisenmp" run --results old.csv nostart.yaml >nostart.out 2>nostart.err
expect "no start: exit code" $? 2
expect "no start: the old file" "$(cat old.csv)" old
expect "no start: no part is left" "$(ls -A | grep -c eisenmp-part)" 0

# Workers that die, tickets that are dead: they are in the .db.
job dead.yaml trouble 100 10 "PROCS_MAX: 2" "toolbox: {trouble: refuse, at: 77}" "RESULTS_FILE: dead.db"
"$eisenmp" run dead.yaml >dead.out 2>dead.err
expect "dead: exit code" $? 1
[ -s dead.db ] || fail "dead: no file"
if command -v sqlite3 >/dev/null; then
    expect "dead: its row" "$(sqlite3 dead.db "SELECT ticket, attempt, reason LIKE '%not liked' FROM tickets WHERE outcome = 'dead'")" \
        "7|5|1"
    expect "db: queried" "$(sqlite3 out.db "SELECT count (*), count (DISTINCT ticket) FROM results")" "60002|60000"
    expect "db: whole" "$(sqlite3 out.db "PRAGMA integrity_check")" ok
fi

# A disk that is full (a limit of the file's size is one): counted, said, exit 1; the tickets before it stand.
mkdir scratch
(
    ulimit -f 8192 # KiB
    sed 's/count: 60000/count: 400000/; s/RESULTS_DICT_PRINT: true/RESULTS_DICT_PRINT: false/' spill.yaml >full.yaml
    TMPDIR=$PWD/scratch "$eisenmp" run full.yaml >full.out 2>full.err
    echo $? >full.code
)
expect "full: exit code" "$(cat full.code)" 1
grep -q "^--- Values not kept ---" full.out || fail "full: the report does not say it"
grep -q "tickets ended when there was no room: $PWD/scratch: File too large" full.out || { fail "full: no reason"; cat full.out; }
expect "full: nothing is left" "$(ls -A scratch)" ""

# Killed: nothing is left of a scratch file.
job long.yaml pace 100000000 1 "PROCS_MAX: 2" "RESULTS_BYTES_MAX: 1048576"
TMPDIR=$PWD/scratch "$eisenmp" run long.yaml >/dev/null 2>&1 &
pid=$!
spilled () { find "/proc/$pid/fd" -lname "$PWD/scratch/eisenmp-results-*" 2>/dev/null | grep -q .; }
until_true 60 spilled
expect "killed: the scratch file has no name" "$(ls -A scratch | grep -c results)" 0
# The supervisor and two slots; the kernel's list of children may leave one out while they come and go.
has_family () { family=$(children $pid; slots $pid); [ "$(wc -w <<<"$family")" -ge 3 ]; }
until_true 20 has_family
kill -9 $pid
wait $pid 2>/dev/null
for child in $family; do until_true 20 is_over "$child"; done
expect "killed: nothing is left of it" "$(ls -A scratch | grep -c results)" 0
finish
