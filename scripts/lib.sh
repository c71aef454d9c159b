# What the scripts share: sourced by them from the root of the repository, not run.

# The caches live outside the clone, so that a second clone is ready in a moment.
cache=${MIGRATE_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/migrate}
mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ] || { cache=$PWD/.cache && mkdir -p "$cache"; }
venv=$cache/venv
vocabulary=$cache/cl100k_base.tiktoken
tiktoken_cache=$cache/tiktoken
compose_schema=$cache/compose_spec.json
workflow_schema=$cache/github-workflows.json
# Debian's newest MySQL, unpacked; optional, because it is not available everywhere.
mysql_root=$cache/mysql
has_mysql() { [ -x "$mysql_root/usr/sbin/mysqld" ]; }

# Debian keeps server programs here, and a user's PATH may lack it.
PATH=$PATH:/usr/sbin

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
fail() {
    local line
    for line in "$@"; do say "$line"; done
    exit 1
}

# The folder of the newest installed PostgreSQL's programs, if that is 15 or newer.
postgres_programs() {
    local newest
    newest=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -t/ -k5 -n | tail -n 1)
    [ -n "$newest" ] || return 0
    [ "$(cut -d/ -f5 <<<"$newest")" -ge 15 ] || return 0
    dirname "$newest"
}

# private_servers KIND…: starts throw-away servers that stop when the calling script ends, however it ends,
# sets its MIGRATE_TEST_ variables, and names the private folder in $servers.
private_servers() {
    servers=$(mktemp -d /tmp/migrate.XXXXXX)
    chmod 755 "$servers"
    trap 'scripts/servers stop "$servers"; rm -rf "$servers"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    scripts/servers start "$servers" "$@"
    . "$servers/env"
}

need_swift() {
    command -v swift >/dev/null || fail "the Swift toolchain is missing: see https://www.swift.org/install"
}

# swift_build ARGUMENT…: builds, with SwiftPM's own progress on a terminal and a line every half minute elsewhere: the first build
# takes minutes.
swift_build() {
    local start=$SECONDS status=0 ticker
    say "building (the first time takes some minutes)"
    if [ -t 1 ]; then
        swift build "$@"
        return
    fi
    # The sleep keeps no pipe of the caller open, and the loop ends with the script, also when that is interrupted.
    while sleep 30 </dev/null >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
        say "still building, for $((SECONDS - start)) s"
    done &
    ticker=$!
    swift build --quiet "$@" || status=$?
    kill "$ticker"
    wait "$ticker" 2>/dev/null || true
    return "$status"
}

# all_of_tests ARGUMENT…: runs tests that are built, with the servers of private_servers. A green run in which nothing
# ran, or something was skipped, does not count as green.
all_of_tests() {
    local output=$servers/test.log
    swift test --skip-build "$@" 2>&1 | tee "$output"
    # The word stands at the end of its line: names and arguments of other tests contain it, too.
    if grep -E '^[^ ]+ (Test|Suite) .* skipped(\.|: ".*")$' "$output"; then
        fail "these were skipped, though every server was there"
    fi
    grep -qE 'Test run with [1-9][0-9]* tests? .*passed' "$output" || fail "no test ran"
}

# SQL from standard input, into the private MariaDB.
mariadb_admin() {
    MYSQL_PWD=$MIGRATE_TEST_MYSQL_ADMIN_PASSWORD mariadb --no-defaults --default-character-set=utf8mb4 \
        --user="$MIGRATE_TEST_MYSQL_ADMIN_USER" --host="$MIGRATE_TEST_MYSQL_HOST" --port="$MIGRATE_TEST_MYSQL_PORT" \
        --ssl-ca="$MIGRATE_TEST_MYSQL_CA" --ssl-verify-server-cert "$MIGRATE_TEST_MYSQL_DATABASE" "$@"
}

# The program's settings for the private servers and the stand-ins, without a PostgreSQL with progress in a file; `migrate`
# then runs $program with these settings only: neither the caller's environment nor a `.env` file reaches it.
use_private_servers() {
    mapfile -t settings <"$servers/fakes/env"
    settings+=(
        MYSQL_HOST="$MIGRATE_TEST_MYSQL_HOST" MYSQL_PORT="$MIGRATE_TEST_MYSQL_PORT"
        MYSQL_USER="$MIGRATE_TEST_MYSQL_USER" MYSQL_PASSWORD="$MIGRATE_TEST_MYSQL_PASSWORD"
        MYSQL_DATABASE="$MIGRATE_TEST_MYSQL_DATABASE" MYSQL_SSL_CA="$MIGRATE_TEST_MYSQL_CA"
        TOKENIZER_VOCABULARY="$vocabulary"
    )
    if [ -n "${MIGRATE_TEST_POSTGRES_URL:-}" ]; then
        settings+=(TRACKING=postgres POSTGRES_URL="$MIGRATE_TEST_POSTGRES_URL")
    else
        settings+=(TRACKING=sqlite TRACKING_FILE="$servers/tracking.db")
    fi
}
exec_migrate() {
    cd "$servers" && exec env -i HOME="${HOME:-/}" PATH="$PATH" TERM="${TERM:-dumb}" LANG="${LANG:-C.UTF-8}" \
        "${settings[@]}" "$program" "$@"
}
migrate() { (exec_migrate "$@"); }

# demonstration KIND…: builds both programs, and starts private servers of these kinds, with sample rows, and the stand-ins.
demonstration() {
    need_swift
    swift_build --product migrate
    swift_build --product migrate-lab
    local products
    products=$(swift build --show-bin-path)
    export program=$products/migrate lab=$products/migrate-lab
    say "starting private servers"
    private_servers "$@"
    scripts/server/fakes start "$servers"
    scripts/sample-rows | mariadb_admin
    use_private_servers
}

# Shows a command, and runs it.
step() {
    printf '\n$ migrate%s\n' "$(printf ' %q' "$@")"
    migrate "$@"
}

# The tools with which ours is compared, in an environment of their own: most tests do not need them.
comparison_python=$cache/comparison-venv/bin/python
comparison_packages() {
    local folder=$cache/comparison-venv
    local wanted="tiktoken==0.14.0 fastembed==0.9.1 py_rust_stemmers==0.1.8 semantic-text-splitter==0.33.1 langchain-text-splitters==1.1.3"
    [ "$(cat "$folder/installed.txt" 2>/dev/null)" != "$wanted" ] || return 0
    say "installing $wanted into $folder"
    rm -rf "$folder"
    python3 -m venv "$folder"
    # shellcheck disable=SC2086
    "$comparison_python" -m pip install -q --disable-pip-version-check $wanted || fail "pip could not install $wanted"
    echo "$wanted" >"$folder/installed.txt"
}
