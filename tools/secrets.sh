#!/usr/bin/env bash
# secrets.sh put PATH: asks for what Meta gave, invents the tokens that are yours to choose, and
# puts all of it into Parameter Store as SecureStrings. Values pass in a file that only its owner may
# read, for a moment, as command lines are for all to read. What exists stays unless you type something new.
set -euo pipefail

[ "${1-}" = put ] && [ -n "${2-}" ] || { echo "usage: secrets.sh put /path" >&2; exit 2; }
path=$2
command -v openssl >/dev/null || { echo "openssl is missing; it invents the tokens" >&2; exit 1; }
identity=$(aws sts get-caller-identity --query Account --output text)
region=$(aws configure get region 2>/dev/null || true)
echo "Secrets under $path, account $identity, region ${AWS_REGION:-${AWS_DEFAULT_REGION:-${region:-unset}}}."

stored() { # NAME: prints what is stored; fails if nothing is
    aws ssm get-parameter --name "$path/$1" --with-decryption --query Parameter.Value --output text 2>/dev/null
}

scratch=$(mktemp) # for its owner alone
trap 'rm -f "$scratch"' EXIT

put() { # NAME VALUE
    local value=${2//\\/\\\\}
    value=${value//\"/\\\"}
    printf '{"Name":"%s","Type":"SecureString","Overwrite":true,"Value":"%s"}' "$path/$1" "$value" >"$scratch"
    aws ssm put-parameter --cli-input-json "file://$scratch" >/dev/null
    : >"$scratch"
    echo "  $path/$1 is set."
}

ask() { # QUESTION: prints the answer
    local answer
    read -rsp "$1" answer </dev/tty
    echo >/dev/tty
    printf '%s' "${answer//[[:space:]]/}"
}

check() { # NAME VALUE
    if [ "${#2}" -lt 16 ]; then
        echo "That has ${#2} characters; $1 is longer. Nothing was changed for it." >&2
        return 1
    fi
}

old=$(stored app-secrets || true)
answer=$(ask "App secret (Meta app > App settings > Basic)${old:+, Enter keeps the one there is}: ")
if [ -n "$answer" ]; then
    check app-secrets "$answer"
    before=${old%%,*}
    if [ -n "$before" ] && [ "$before" != "$answer" ]; then
        put app-secrets "$answer,$before"
        echo "  The secret from before is still accepted. Run this again with the same new one to drop it."
    else
        put app-secrets "$answer"
    fi
elif [ -z "$old" ]; then
    echo "Without an app secret no webhook can be checked." >&2
    exit 1
fi

old=$(stored access-token || true)
hint=", Enter if Polling=off"
[ -z "$old" ] || hint=", Enter keeps the one there is"
answer=$(ask "Access token of a system user$hint: ")
if [ -n "$answer" ]; then
    check access-token "$answer"
    put access-token "$answer"
fi

for name in verify-token api-token; do
    if stored "$name" >/dev/null; then
        echo "  $path/$name is there; to replace it: aws ssm delete-parameter --name $path/$name, and run this again."
    else
        token=$(openssl rand -hex 24)
        put "$name" "$token"
        echo "  $name, shown this once: $token"
    fi
done
