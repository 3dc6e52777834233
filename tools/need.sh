#!/bin/sh
# need.sh NAME ...: fails, saying what is missing or too old and where to get it, unless all of go,
# python3, node, java and cargo that are named are there. All of them are looked at before it fails.
bad=0
lacks() { # NAME WHAT WHERE
    printf '%s %s. Get it from %s.\n' "$1" "$2" "$3" >&2
    bad=1
}
there() { command -v "$1" >/dev/null 2>&1; }
# major NAME VERSION LEAST WHERE
major() {
    case $2 in
    '' | *[!0-9]*) lacks "$1" "does not say its version" "$4" ;;
    *) [ "$2" -ge "$3" ] || lacks "$1" "is version $2, and at least $3 is needed" "$4" ;;
    esac
}
for name; do
    case $name in
    go)
        from="https://go.dev/dl, version 1.26 or newer"
        there go || lacks Go "is missing" "$from"
        ;;
    python3)
        from="your system's packages: version 3.10 or newer, with venv (python3-venv on Debian)"
        if ! there python3; then
            lacks "Python 3" "is missing" "$from"
        elif ! python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
            lacks "Python 3" "is older than 3.10, or has no venv" "$from"
        fi
        ;;
    node)
        from="https://nodejs.org, version 20 or newer"
        if ! there node || ! there npm; then
            lacks "Node with npm" "is missing" "$from"
        else
            major Node "$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null)" 20 "$from"
        fi
        ;;
    java)
        from="your system's packages, version 17 or newer (openjdk-17-jre-headless on Debian)"
        if ! there java; then
            lacks Java "is missing" "$from"
        else
            major Java "$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -1)" 17 "$from"
        fi
        ;;
    cargo)
        from="https://rustup.rs, version 1.88 or newer"
        there cargo || lacks Rust "is missing" "$from"
        ;;
    *) lacks "$name" "is nothing that need.sh knows" "nowhere" ;;
    esac
done
exit $bad
