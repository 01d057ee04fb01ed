#!/bin/sh
# The REST API with curl: encode the person in a photo, make them older, save the picture, and delete everything.
#
#     FACELOOM_TOKEN=... sh examples/api_client.sh me.jpg older.jpg [http://127.0.0.1:8000]
set -eu
photo=$1 output=$2 api=${3:-http://127.0.0.1:8000}/api/v1
request() { curl --fail-with-body --silent --show-error --header "Authorization: Bearer $FACELOOM_TOKEN" "$@"; }
value() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; } # reads a string from flat JSON; use jq where it is installed

job=$(request --form "photo=@$photo" --form seconds=10 "$api/encode" | value id)
while state=$(request "$api/jobs/$job" | value state) && [ "$state" = running ]; do sleep 1; done
[ "$state" = done ] || { request "$api/jobs/$job"; exit 1; }

likeness=$(request "$api/jobs/$job" | value likeness)
request --header "Content-Type: application/json" --data "{\"likeness\": \"$likeness\", \"age\": 20}" "$api/edit"
request --output "$output" "$api/likenesses/$likeness/image"
request --request DELETE "$api/likenesses/$likeness"
