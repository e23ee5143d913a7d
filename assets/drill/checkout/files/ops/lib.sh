# Sourced by the scripts at the root: which environments there are and how to ask them.
# Where they are on this machine is in .drill/env, which is not part of the repository.

if [ ! -r .drill/env ]; then
    echo 'There is no .drill/env: this copy does not know where its environments are.' >&2
    exit 1
fi
. ./.drill/env

die() {
    printf '%s\n' "$*" >&2
    exit 1
}

# Ends with how the script is called.
usage() {
    printf 'usage: %s\n' "$*" >&2
    exit 2
}

# Sets $root and $url for an environment.
environment() {
    case $1 in
        staging) url=$STAGING_URL ;;
        production) url=$PRODUCTION_URL ;;
        *)
            printf 'Unknown environment: %s. Known: staging, production.\n' "$1" >&2
            exit 2
            ;;
    esac
    root=$DEPLOY_ROOT/$1
}

# Prints what a URL answers, whatever its status; fails if nothing answers.
get() {
    if command -v curl > /dev/null 2>&1; then
        curl -q --silent --show-error --noproxy '*' --max-time 5 "$1"
    else
        "$FLIGHTDECK" drill get "$1"
    fi
}

# Prints the value of a key in a JSON object on standard input that has no nested quotes.
field() {
    sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\).*/\1/p" | head -n 1
}

# Makes a link of an environment point elsewhere, in one step: point NAME TARGET
point() {
    rm -f "$root/next"
    ln -s "$2" "$root/next"
    mv -fT "$root/next" "$root/$1" 2> /dev/null || mv -fh "$root/next" "$root/$1"
}

# Keeps the line of a deploy, once all orders go to it: logged COMMIT VERSION REF [WORD]
logged() {
    printf '%s  %s  %s  %s%s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1" "$2" "$3" "${4:+  $4}" >> "$root/deploys.log"
}

# Waits a part of a second, where sleep knows parts.
pause() {
    [ "${DEPLOY_PACE:-1}" = 0 ] || sleep "$1" 2> /dev/null || sleep 1
}
