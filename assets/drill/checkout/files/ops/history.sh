#!/bin/sh
# Prints what was deployed to an environment, a JSON object a line: ops/history.sh ENV
#
# The platform keeps a line a deploy; one that was watched and found good ends with a word.
set -eu
cd "$(dirname "$0")/.."
. ./ops/lib.sh

[ $# -eq 1 ] || usage ops/history.sh ENV
environment "$1"
[ -r "$root/deploys.log" ] || exit 0
awk '
    function tag(ref) { return ref ~ /^v[0-9]/ ? sprintf(",\"tag\":\"%s\"", ref) : "" }
    function verdict(word) { return word == "" ? "" : sprintf(",\"verdict\":\"%s\"", word) }
    NF >= 4 {
        printf "{\"at\":\"%s\",\"commit\":\"%s\",\"version\":\"%s\",\"reference\":\"%s\"%s%s}\n",
            $1, $2, $3, $4, tag($4), verdict($5)
    }
' "$root/deploys.log"
