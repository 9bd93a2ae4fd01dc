# `eisenmp keys`: what scripts capture is alone on stdout, all else on stderr; exit codes; nothing is lost when many allow at once.
. "$EMP_SOURCE/tests/system/lib.bash"
umask 022
export HOME=$PWD/home EISENMP_KEYS=
unset XDG_CONFIG_HOME
mkdir home
ring=$HOME/.config/eisenmp
one='Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID'
two='rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7'
tab=$'\t'

# keys <exit code> <pattern on stderr, or "" for nothing there> <words…>: stdout is in `out`.
keys ()
{
    local code pattern=$2 expected=$1
    shift 2
    "$eisenmp" keys "$@" >out 2>err
    code=$?
    expect "keys $*: exit code ($(cat err))" $code "$expected"
    if [ -n "$pattern" ]; then
        grep -qF -- "$pattern" err || fail "keys $*: no '$pattern' in: $(cat err)"
    else
        [ ! -s err ] || fail "keys $*: found on stderr: $(cat err)"
    fi
    [ "$code" != 0 ] && [ "${1:-}" != list ] && [ -s out ] && fail "keys $*: failed, and says on stdout: $(cat out)"
}

# ---- a pair ---------------------------------------------------------------------------------------------------------------

keys 2 'eisenmp keys new` makes one' show
keys 0 "$ring/self.key: made" new
key=$(cat out)
expect "new: a key and nothing else" "$(wc -lc <out | tr -s ' ')" "$(printf '%7d %7d' 1 41 | tr -s ' ')"
expect "modes" "$(stat -c %a "$ring" "$ring/self.key" | tr '\n' ' ')" "700 600 "
keys 0 '' show;           expect "show" "$(cat out)" "$key"
keys 2 'with --force' new
keys 0 '' show;           expect "refused, and as it was" "$(cat out)" "$key"
keys 0 made new --force
[ "$(cat out)" != "$key" ] || fail "--force: the same key"
key=$(cat out)
chmod 644 "$ring/self.key"
keys 2 "has mode 0644, expected 0600" show
chmod 600 "$ring/self.key"
keys 0 '' show;           expect "mended" "$(cat out)" "$key"
mv "$ring/self.key" kept; mkdir "$ring/self.key"
keys 2 "found a directory, expected a regular file" show
keys 1 "Is a directory" new --force
rmdir "$ring/self.key"; mv kept "$ring/self.key"

# ---- whom the broker lets in ----------------------------------------------------------------------------------------------------

keys 0 '' list;           expect "an empty list" "$(cat out)" ""
keys 0 'key-YnewvofV (worker) is allowed now' allow "$one"
keys 0 'boss (manager) is allowed now' allow "$two" --name boss --role manager
keys 0 'key-YnewvofV (worker) was allowed already' allow "$one"
keys 0 'host 7 (worker) is changed' allow --name 'host 7' "$one"
keys 0 '' list
expect "list: lines with tabs" "$(cut -f 1-3 out)" "boss${tab}manager${tab}$two
host 7${tab}worker${tab}$one"
now=$(date +%s)
cut -f 4 out | while read -r since; do
    age=$((now - $(date -d "$since" +%s)))
    [ $age -ge 0 ] && [ $age -lt 600 ] || echo "$since"
done >ages
[ ! -s ages ] || fail "since: found $(cat ages)"
script -qefc "'$eisenmp' keys list" /dev/null </dev/null | tr -d '\r' >columns
expect "list on a terminal" "$(sed 's/ *[^ ]*$//' columns)" "NAME    ROLE     KEY
boss    manager  $two
host 7  worker   $one"
keys 2 "the name boss is that of the key $two" allow "$one" --name boss
keys 2 'found 39 characters, expected a key of 40' allow "${one%?}"
keys 2 "found ' ' at character 1" allow " ${one%?}"
keys 2 'found "boss", expected worker or manager' allow "$one" --role boss
keys 2 "found the name 'a/b'" allow "$one" --name a/b
keys 2 'KEY is needed' allow
keys 2 'expected one KEY' allow "$one" "$two"
keys 0 'key-a (worker) is allowed now' allow --name key-a -- "-${key#?}"
keys 2 'did you mean "boss"?' revoke bsos
keys 0 "boss (manager) is no longer allowed: $two" revoke boss
keys 2 'expected the name of an allowed key' revoke "$two"
keys 0 'host 7 (worker) is no longer allowed' revoke "$one"
keys 0 'key-a (worker) is no longer' revoke key-a
keys 0 '' list;           expect "all revoked" "$(cat out)" ""

# Files that somebody else has put there.
keys 0 allowed allow "$one" --name one
printf 'curve\n    public-key = "%s"\n' "$one" >"$ring/allowed/second.key"
printf '\033[2J' >"$ring/allowed/bad.key"
keys 2 'allowed/second.key: found the key of one.key' list
grep -qF 'allowed/bad.key: line 1: found no ZPL' err || fail "bad.key: $(cat err)"
grep -q $'\033' err && fail "a control character is printed"
expect "the good one is listed" "$(cut -f 1 out)" one
keys 0 'bad.key is removed, it was no key' revoke bad
keys 0 'is no longer allowed' revoke second
keys 0 '' list;           expect "two names, one key" "$(cat out)" ""

# Twenty at once.
for i in $(seq 10 29); do
    "$eisenmp" keys allow "00000000000000000000000000000000000000$i" --name "host$i" 2>"at_once.$i" &
done
for pid in $(jobs -p); do
    wait "$pid" || fail "at once: $(cat at_once.*)"
done
keys 0 '' list
expect "twenty at once" "$(cut -f 1 out | tr '\n' ' ')" "$(seq -f 'host%g' 10 29 | tr '\n' ' ')"

# ---- where it is, and where it cannot be --------------------------------------------------------------------------------------

EISENMP_KEYS=$PWD/elsewhere keys 0 elsewhere/self.key new
XDG_CONFIG_HOME=$PWD/config keys 0 config/eisenmp/self.key new
(unset HOME; keys 2 'expected one, or EISENMP_KEYS' show; exit $failures) || failures=$((failures + 1))
: >file
EISENMP_KEYS=$PWD/file/ring keys 1 'cannot be made: Not a directory' new
EISENMP_KEYS=$PWD/file keys 1 'Not a directory' list
EISENMP_KEYS=/proc/eisenmp/ring keys 1 'cannot be made' allow "$one"
chmod 777 elsewhere
EISENMP_KEYS=$PWD/elsewhere keys 2 'others may write to it' list

# ---- words -----------------------------------------------------------------------------------------------------------------------

keys 2 'eisenmp settings' ;            grep -q '^Usage: eisenmp keys new' err || fail "no usage"
keys 2 'did you mean "allow"?' alow
keys 2 'unknown command "frobnicate"' frobnicate
keys 2 'expected no argument' show me
for words in --help "new --help" "show --help" "allow --help" "list --help" "revoke --help"; do
    # shellcheck disable=SC2086
    keys 0 '' $words
    grep -q '^Usage: eisenmp keys' out || fail "keys $words: no usage"
    grep -q 'Exit status: 0' out || fail "keys $words: says nothing of the exit status"
done
for words in show list --help "new --force"; do
    # shellcheck disable=SC2086
    "$eisenmp" keys $words >/dev/full 2>err
    expect "keys $words >/dev/full: exit code" $? 1
    grep -q 'standard output: No space' err || fail "keys $words >/dev/full: $(cat err)"
done
finish keys
