# What the scripts of this folder share: sourced by them, not run. Sets $verb, $root (the servers' private folder)
# and $dir (this server's part of it), and reads the accounts.
. scripts/lib.sh
[ $# = 2 ] || fail "usage: $0 start|stop|restart DIR"
verb=$1 root=$2 dir=$2/${0##*/}
[ "$verb" = stop ] || . "$root/accounts"

# Database servers refuse to run as root: then they run as the user nobody, with that user's rights.
as_server=()
[ "$(id -u)" != 0 ] || as_server=(setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs)
give_to_server() { [ "$(id -u)" != 0 ] || chown -R 65534:65534 "$@"; }

# Below the range from which the kernel assigns ports. Checked now and bound a moment later: on a clash, try again.
free_port() {
    local port
    while port=$((20000 + RANDOM % 12000)) && (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    echo "$port"
}

# within SECONDS COMMAND…: waits until the command succeeds.
within() {
    local tries=$(($1 * 20))
    shift
    while ! "$@" >/dev/null 2>&1; do
        [ $((tries -= 1)) -gt 0 ] || return 1
        sleep 0.05
    done
}

# Ends the process of a pid file: asks, waits up to 20 seconds, then insists.
end_process() {
    local pid
    pid=$(cat "$1" 2>/dev/null) && [ -n "$pid" ] || return 0
    kill "$pid" 2>/dev/null || return 0
    gone() { ! kill -0 "$pid" 2>/dev/null; }
    within 20 gone || kill -9 "$pid" 2>/dev/null || true
}

# variables NAME VALUE…: this server's lines of the environment.
variables() { (umask 077 && printf "export MIGRATE_TEST_%s='%s'\n" "$@" >"$dir/env"); }
