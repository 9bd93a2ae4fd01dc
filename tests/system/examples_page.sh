# SPDX-License-Identifier: BSD-3-Clause
#
# E8: the page of the examples in headless Chromium, driven as a user does: by the mouse and by keys.
# Chromium is talked to through its debugging pipe: JSON messages that end with a NUL byte.
. "$EMP_SOURCE/tests/system/lib.bash"
command -v chromium >/dev/null || skip "there is no chromium"
[ -x "$EMP_BIN/eisenmp-examples-web" ] || skip "built without libmicrohttpd"

# ---- the server, with examples of its own beside the real one ----------------------------------------------------------
mkdir examples && cp -r "$EMP_SOURCE/examples/prime" examples/
mkdir examples/long examples/wrong
job examples/long/job.yaml pace 1000000 1 "PROCS_MAX: 1" "STOP_GRACE: 0.5" "toolbox: {chunk_us: 1000}"
printf 'ROWS_MAY: 1\n' >examples/wrong/job.yaml
# shellcheck disable=SC2016
printf '# wrong\n\nIs <b id="bold">refused</b>: `<i id="slanted">`.\n' >examples/wrong/README.md
EISENMP_EXAMPLES=examples "$eisenmp" examples --web >url 2>server.err &
server=$!
until_true 20 test -s url
url=$(cat url)

# ---- the browser --------------------------------------------------------------------------------------------------------
mkfifo to from
# Its own files go to the scratch folder, and its variables are its own: TMPDIR has to stay empty.
env TMPDIR="$PWD" HOME="$PWD" XDG_CONFIG_HOME="$PWD/.config" XDG_CACHE_HOME="$PWD/.cache" DBUS_SESSION_BUS_ADDRESS=none \
    chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --disable-breakpad \
    --user-data-dir="$PWD/profile" --remote-debugging-pipe 3<to 4>from >chromium.log 2>&1 &
browser=$!
exec 5>to 6<from
id=0
# ask <method> <parameters> [session]: the answer is in $answer; events that come before it are passed over.
ask ()
{
    id=$((id + 1))
    printf '{"id":%d,"method":"%s","params":%s%s}\0' $id "$1" "$2" "${3:+,\"sessionId\":\"$3\"}" >&5
    while read -r -t 60 -d '' answer <&6; do
        [[ $answer = "{\"id\":$id,"* ]] && return
    done
    fail "chromium does not answer $1: $(tail -n 3 chromium.log)"
    answer=
    return 1
}
# evaluate <JavaScript>: its value, as a text without quotes, is in $value.
evaluate ()
{
    ask Runtime.evaluate "{\"expression\":\"String($1)\",\"returnByValue\":true}" "$session"
    value=${answer#*\"value\":\"}
    value=${value%%\"*}
}
is_so () { evaluate "$1"; [ "$value" = true ]; }
shows () { evaluate "$2"; expect "$1" "$value" "$3"; } # <what> <JavaScript> <expected>
card () { echo "document.querySelector('section[data-name=$1]')"; }
# click <example> <start or stop>: where the button is, by the mouse.
click ()
{
    local place kind
    evaluate "$(card "$1").scrollIntoView()"
    evaluate "(b=>Math.round(b.x+b.width/2)+' '+Math.round(b.y+b.height/2))($(card "$1").querySelector('.$2').getBoundingClientRect())"
    place=$value
    for kind in mousePressed mouseReleased; do
        ask Input.dispatchMouseEvent "{\"type\":\"$kind\",\"x\":${place% *},\"y\":${place#* },\"button\":\"left\",\"clickCount\":1}" "$session"
    done
}
key ()
{
    local kind
    for kind in keyDown keyUp; do
        ask Input.dispatchKeyEvent "{\"type\":\"$kind\",\"key\":\"$1\",\"code\":\"$1\",\"windowsVirtualKeyCode\":$2${3:+,\"text\":\"$3\"}}" "$session"
    done
}
shot () # <file> <width> <height>, for a person to look at
{
    [ -n "${EMP_SHOTS:-}" ] || return
    ask Emulation.setDeviceMetricsOverride "{\"width\":$2,\"height\":$3,\"deviceScaleFactor\":1,\"mobile\":false}" "$session"
    ask Page.captureScreenshot '{}' "$session"
    sed -E 's/.*"data":"([^"]*)".*/\1/' <<<"$answer" | base64 -d >"$EMP_SHOTS/$1.png"
    ask Emulation.clearDeviceMetricsOverride '{}' "$session"
}

ask Target.createTarget "{\"url\":\"$url\"}"
target=$(sed -E 's/.*"targetId":"([^"]*)".*/\1/' <<<"$answer")
ask Target.attachToTarget "{\"targetId\":\"$target\",\"flatten\":true}"
session=$(sed -E 's/.*"result":\{"sessionId":"([^"]*)".*/\1/' <<<"$answer")

# ---- the list -----------------------------------------------------------------------------------------------------------
until_true 20 is_so "document.querySelectorAll('section').length==3"
shows "the examples" "[...document.querySelectorAll('h2')].map(h=>h.textContent).join()" long,prime,wrong
is_so "$(card prime).innerText.includes('Which of the 10 000 numbers')" || fail "prime has no description"
is_so "$(card wrong).innerText.includes('Is <b id=') && !document.getElementById('bold') && !document.getElementById('slanted')" \
    || fail "a description is markup"
is_so "$(card prime).querySelector('.stop').disabled" || fail "what does not run can be stopped"
shows "nothing from elsewhere" "performance.getEntriesByType('resource').filter(r=>!r.name.startsWith(location.href)&&!r.name.startsWith('data:')).length" 0
shot list 900 700

# ---- prime, by the mouse: a prime and exit 0; long meanwhile, by keys ------------------------------------------------------
evaluate "$(card long).querySelector('.start').focus()"
key Enter 13 '\r'
until_true 20 is_so "$(card long).dataset.state=='running'"
is_so "document.activeElement==$(card long).querySelector('.stop')" || fail "the focus is not on Stop"
click prime start
until_true 60 is_so "$(card prime).querySelector('.state').textContent=='exit 0'"
is_so "$(card prime).querySelector('pre .out').textContent.includes('1000000000039')" || fail "no prime number on the page"
shows "primes on the page" "$(card prime).querySelector('pre').textContent.split('--- END')[0].match(/^1000000[0-9]{6}\$/gm).length" 335
is_so "$(card long).dataset.state=='running'" || fail "long does not run beside prime"
click prime start
until_true 60 is_so "$(card prime).querySelector('.state').textContent=='exit 0'&&cards[1].number==2"
shows "primes of the second run" "$(card prime).querySelector('pre').textContent.split('--- END')[0].match(/^1000000[0-9]{6}\$/gm).length" 335

# ---- an error is on stderr; long is stopped by a key ------------------------------------------------------------------------
click wrong start
until_true 20 is_so "$(card wrong).querySelector('.state').textContent=='exit 2'"
is_so "$(card wrong).querySelector('pre .err').textContent.includes('ROWS_MAX')&&!$(card wrong).querySelector('pre .out')" \
    || fail "the error is not told as stderr"
shot running 900 1400
shot phone 360 1500
evaluate "$(card long).querySelector('.stop').focus()"
key Enter 13 '\r'
until_true 20 is_so "$(card long).querySelector('.state').textContent=='exit 1'"

# ---- the server goes, and says how the rest ended --------------------------------------------------------------------------
click long start
until_true 20 is_so "$(card long).dataset.state=='running'"
kill -INT $server
wait $server
expect "server: exit code" $? 0
until_true 20 is_so "!document.getElementById('gone').hidden"
is_so "$(card long).dataset.state=='over'&&[...document.querySelectorAll('button')].every(b=>b.disabled)" \
    || fail "without a server something can be started, or seems to run"
shot gone 900 700

ask Browser.close '{}'
exec 5>&- 6<&-
wait $browser
finish
