#!/bin/sh
# The REST API with curl: encode the person in a photo, make them older, save the picture, and delete everything.
# It stops at the first error and prints the server's message.
#
#     FACELOOM_TOKEN=... sh examples/api_client.sh me.jpg older.jpg [http://127.0.0.1:8000]
set -eu
photo=$1 output=$2 api=${3:-http://127.0.0.1:8000}/api/v1
value() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; } # reads a string from flat JSON; use jq where it is installed
fail() {
  message=$(printf '%s' "$1" | value message)
  echo "error: ${message:-$1}" >&2
  exit 1
}
request() { # prints the answer; an error of the server ends the script
  answer=$(curl --fail-with-body --silent --show-error --header "Authorization: Bearer $FACELOOM_TOKEN" "$@") ||
    fail "$answer"
  printf '%s' "$answer"
}

answer=$(request --form "photo=@$photo" --form seconds=10 "$api/encode")
job=$(printf '%s' "$answer" | value id)
state=running
while [ "$state" = running ]; do
  sleep 1
  answer=$(request "$api/jobs/$job")
  state=$(printf '%s' "$answer" | value state)
done
[ "$state" = done ] || fail "$answer"

likeness=$(printf '%s' "$answer" | value likeness)
trap 'request --request DELETE "$api/likenesses/$likeness"' EXIT
request --header "Content-Type: application/json" --data "{\"likeness\": \"$likeness\", \"age\": 20}" "$api/edit"
request --output "$output" "$api/likenesses/$likeness/image"
