#!/bin/sh
# bootstrap.sh GOARCH FILE: prints the size of a built function, and fails unless it is a program
# for Linux on that processor.
set -eu
case $1 in
arm64) want=b700 ;;
amd64) want=3e00 ;;
*) echo "bootstrap.sh: no processor called $1" >&2; exit 1 ;;
esac
[ -f "$2" ] || { echo "$2 was not built" >&2; exit 1; }
magic=$(od -An -tx1 -N4 "$2" | tr -d ' \n')
machine=$(od -An -tx1 -j18 -N2 "$2" | tr -d ' \n')
if [ "$magic" != 7f454c46 ] || [ "$machine" != "$want" ]; then
    echo "$2 is not a program for linux/$1" >&2
    exit 1
fi
printf '%-46s linux/%s %5d KiB\n' "$2" "$1" "$(( $(wc -c <"$2") / 1024 ))"
