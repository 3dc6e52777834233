#!/bin/sh
# dynoxide.sh DIR: builds dynoxide, a free emulator of DynamoDB, into DIR/bin.
set -eu
cargo install dynoxide-rs --version 3.2.0 --locked --no-default-features --features native-sqlite,http-server,cli --root "$1" --quiet
"$1/bin/dynoxide" --version >/dev/null
