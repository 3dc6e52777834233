#!/bin/sh
# have.sh [--quiet] COMMAND WHAT-FOR WHERE-FROM: says whether COMMAND is there. With --quiet it
# speaks, and fails, only if it is not.
quiet=
if [ "$1" = --quiet ]; then quiet=1; shift; fi
if path=$(command -v "$1" 2>/dev/null); then
    [ -n "$quiet" ] || printf '%-10s %s\n' "$(basename "$1")" "$path"
    exit 0
fi
if [ -n "$quiet" ]; then
    printf '%s is missing, and %s needs it. Get it from %s.\n' "$1" "$2" "$3" >&2
    exit 1
fi
printf '%-10s missing; needed for %s; from %s\n' "$(basename "$1")" "$2" "$3"
