#!/bin/sh
# Deploys a commit of this repository: ./deploy.sh REF ENV [canary]
#
# The commit is unpacked into a release directory of its own, checked, and made current in
# one step. The release before stays where it is: deploying its tag goes back to it. As a
# canary it is put beside the current one and takes no orders yet: see ops/weight.sh.
set -eu
cd "$(dirname "$0")"
. ./ops/lib.sh

call='./deploy.sh REF ENV [canary]      ENV: staging, production'
[ $# -eq 2 ] || [ $# -eq 3 ] || usage "$call"
case $1 in -* | '') usage "$call" ;; esac
case ${3:-} in canary | '') ;; *) usage "$call" ;; esac
ref=$1
how=${3:-}
environment "$2"
env=$2
unpacked=$root/releases/.unpacking.$$
switched=no
stopped() {
    case $switched in
        no) echo "Stopped by $1. $env serves what it served before." >&2 ;;
        yes) echo "Stopped by $1 after the switch. Ask ops/deployed.sh $env what it serves." >&2 ;;
    esac
    rm -rf "$unpacked" "$unpacked.tar"
    trap - EXIT "$1"
    kill -s "$1" $$
}
trap 'rm -rf "$unpacked" "$unpacked.tar"' EXIT
trap 'stopped INT' INT
trap 'stopped TERM' TERM

echo "payments-api: $ref -> $env"

commit=$(git rev-parse --verify --quiet "$ref^{commit}") || die "No such branch, tag or commit here: $ref"
printf '[1/5] resolve   %.12s  %s\n' "$commit" "$(git log -1 --format=%s "$commit")"
pause 0.3

mkdir -p "$unpacked"
git archive --format=tar --output="$unpacked.tar" "$commit"
tar -xf "$unpacked.tar" -C "$unpacked"
printf '[2/5] package   %s files, %s bytes\n' \
    "$(find "$unpacked" -type f | wc -l | tr -d ' ')" "$(wc -c < "$unpacked.tar" | tr -d ' ')"
pause 0.6

awk -f "$unpacked/app/checkout.awk" < /dev/null || die "app/checkout.awk of $ref does not parse. Nothing was changed."
version=$(cat "$unpacked/VERSION") || die "$ref has no VERSION. Nothing was changed."
printf '[3/5] check     version %s, the application parses\n' "$version"
pause 0.4

release=$root/releases/$commit
[ -d "$release" ] || mv "$unpacked" "$release"
{{migrate}}if [ "$how" = canary ]; then
    rm -f "$root/before"
    echo 0 > "$root/weight"
    point canary "releases/$commit"
    printf '%s %s\n' "$version" "$ref" > "$root/canary.of"
    printf '[4/5] beside    %.12s waits as a canary of %s\n' "$commit" "$env"
    echo "Deployed $version ($ref) beside what $env serves. It takes no orders yet."
    exit 0
fi
before=$(basename "$(readlink "$root/current" 2> /dev/null || echo nothing)")
switched=yes
rm -f "$root/canary" "$root/canary.of" "$root/weight" "$root/before"
point current "releases/$commit"
printf '[4/5] switch    %.12s -> %.12s\n' "$before" "$commit"
pause 0.5

tries=0
until [ "$(get "$url/version" 2> /dev/null | field commit)" = "$commit" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 20 ] || die "$env does not serve $commit after the switch. Look at it, or deploy the release before."
    printf '[5/5] wait      %s does not serve it yet\n' "$env"
    sleep 0.3 2> /dev/null || sleep 1
done
printf '[5/5] verify    %s answers with %s at %.12s\n' "$env" "$version" "$commit"

logged "$commit" "$version" "$ref"
echo "Deployed $version ($ref) to $env."
