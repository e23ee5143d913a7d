#!/bin/sh
# Prints what was deployed to an environment, a JSON object a line: ops/history.sh ENV
#
# The platform keeps a line a deploy; one that was watched and found good ends with a word.
# Whoever merges a release deploys it.
set -eu
cd "$(dirname "$0")/.."
. ./ops/lib.sh

[ $# -eq 1 ] || usage ops/history.sh ENV
environment "$1"
[ -r "$root/deploys.log" ] || exit 0
awk '
    function tag(ref) { return ref ~ /^v[0-9]/ ? sprintf(",\"tag\":\"%s\"", ref) : "" }
    function verdict(word) { return word == "" ? "" : sprintf(",\"verdict\":\"%s\"", word) }
    function by(commit,    ask, name) {
        if (commit !~ /^[0-9a-f]+$/) return ""
        ask = "git log -1 --format=%an " commit " 2>/dev/null"
        ask | getline name
        close(ask)
        gsub(/["\\]/, "", name)
        return name == "" ? "" : sprintf(",\"by\":\"%s\"", name)
    }
    NF >= 4 {
        printf "{\"at\":\"%s\",\"commit\":\"%s\",\"version\":\"%s\",\"reference\":\"%s\"%s%s%s}\n",
            $1, $2, $3, $4, tag($4), verdict($5), by($2)
    }
' "$root/deploys.log"
