#!/usr/bin/env bash
# delete.sh: deletes the stack $STACK with $SAM, and its secrets, after asking. Where they are the stack
# says itself: those of another deployment must not go with it.
set -euo pipefail

output() { # NAME: prints an output of the stack
    aws cloudformation describe-stacks --stack-name "$STACK" --output text \
        --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue"
}

table=$(output TableName)
path=$(output SecretsPath)
[ -n "$path" ] || { echo "The stack $STACK does not say where its secrets are; it is no deployment of wabawatch." >&2; exit 1; }
cat <<TEXT
This deletes the stack $STACK: functions, routes, schedules, topics with their subscriptions,
alarms, logs; and the secrets under $path. Webhooks that Meta sends from then on are lost.

What stays, and how to be rid of it:
  the table $table with all states and history, which goes on costing its storage:
    aws dynamodb update-table --table-name $table --no-deletion-protection-enabled
    aws dynamodb delete-table --table-name $table
  its recovery points, which AWS keeps for 35 days after the table is deleted;
  e-mail subscriptions that were never confirmed, for 48 hours;
  the SAM CLI's bucket for uploads;
  at Meta: the app's callback URL and its subscription to each account
    (DELETE /{WABA_ID}/subscribed_apps), and the system user's token. Revoke it there.

TEXT
read -rp "Type the name of the stack to delete it: " answer </dev/tty
[ "$answer" = "$STACK" ] || { echo "Nothing was deleted."; exit 1; }
"$SAM" delete --no-prompts --stack-name "$STACK"
aws ssm delete-parameters --names "$path/app-secrets" "$path/verify-token" "$path/access-token" "$path/api-token" \
    --query DeletedParameters --output text
