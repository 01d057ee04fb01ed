#!/bin/sh
# The REST API with curl: find somebody in a photo, make them older, save the picture, erase them again.
#
#     FACELOOM_TOKEN=... sh examples/api_client.sh me.jpg older.jpg [http://127.0.0.1:8000]
set -eu
photo=$1 output=$2 api=${3:-http://127.0.0.1:8000}/api/v1
ask() { curl --fail-with-body --silent --show-error --header "Authorization: Bearer $FACELOOM_TOKEN" "$@"; }
value() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; } # of a flat piece of JSON; use jq where there is one

job=$(ask --form "photo=@$photo" --form seconds=10 "$api/encode" | value id)
while state=$(ask "$api/jobs/$job" | value state) && [ "$state" = running ]; do sleep 1; done
[ "$state" = done ] || { ask "$api/jobs/$job"; exit 1; }

likeness=$(ask "$api/jobs/$job" | value likeness)
ask --header "Content-Type: application/json" --data "{\"likeness\": \"$likeness\", \"age\": 20}" "$api/edit"
ask --output "$output" "$api/likenesses/$likeness/image"
ask --request DELETE "$api/likenesses/$likeness"
