#!/bin/sh
# qemu.sh DIR: puts into DIR a program qemu that runs programs for arm64 on this machine: the one
# that is installed, or else one out of Debian's package, unpacked there without installing it.
set -eu
dir=$1
mkdir -p "$dir"
if [ "$(uname -s)" != Linux ] || [ "$(uname -m)" = aarch64 ]; then
    exit 0 # nothing to run there, or nothing needed
fi
cd "$dir"
for name in qemu-aarch64-static qemu-aarch64; do
    if path=$(command -v "$name"); then
        ln -sf "$path" qemu
        exit 0
    fi
done
missing() {
    cat >&2 <<TEXT
qemu-aarch64-static is missing, and make verify needs it to start a function as it is built for AWS.
Get it from your system's packages: apt-get install qemu-user-static, dnf install qemu-user-static.
TEXT
    exit 1
}
command -v apt-get >/dev/null && command -v dpkg >/dev/null || missing
for package in qemu-user-static qemu-user; do
    rm -rf root ./*.deb
    apt-get download -qq "$package" 2>/dev/null || { apt-get update -qq 2>/dev/null && apt-get download -qq "$package" 2>/dev/null; } || continue
    dpkg -x ./*.deb root
    rm -f ./*.deb
    for name in qemu-aarch64-static qemu-aarch64; do
        [ -x "root/usr/bin/$name" ] || continue
        mv "root/usr/bin/$name" qemu
        rm -rf root # with programs for every other processor
        ./qemu --version >/dev/null
        exit 0
    done
done
missing
