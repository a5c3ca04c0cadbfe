#!/bin/bash
# run.sh STAGE BUILD: every mode of watchseg, as an ordinary process and as the init of a PID namespace, in a table.
set -u
"$(dirname "$0")/build.sh" "$2" || exit 1
program=$2/watchseg
stage=$1
ulimit -c 0
# Without root, a user namespace gives the right to make the other one.
as_init=(unshare --fork --pid --mount-proc)
[ "$(id -u)" -eq 0 ] || as_init+=(--map-root-user)

# "killed by SIGSEGV" or "survived", and what the handler printed, in `ending` and `seen`.
observe() {
    local output status=0
    # In a shell of its own, whose word about the death nobody needs.
    output=$(bash -c '"$@"; exit $?' bash "$@" 2>/dev/null) || status=$?
    case $status in
    0) ending=survived ;;
    139) ending="killed by SIGSEGV" ;;
    *) ending="exit status $status" ;;
    esac
    case $output in
    *"a fault, "*) seen="fault, $(grep -o 'SEGV_[A-Z]*' <<<"$output" | head -1)" ;;
    *"sent by"*) seen="sent by $(grep -o 't*g*kill()' <<<"$output" | head -1)" ;;
    *) seen="(no handler)" ;;
    esac
    case $output in
    *"executed again"*) seen+=", instruction executed again" ;;
    *"raises it again"*) seen+=", raised again" ;;
    esac
}

row="%-13s %-13s %-50s %-18s %s\n"
printf "$row" what then "what the handler saw and did" normally "as PID 1"
for how in kill tgkill fault-maperr fault-accerr; do
    for then in --reraise --no-reraise --no-handler; do
        observe "$program" $how $then
        normally=$ending
        observe "${as_init[@]}" "$program" $how $then
        printf "$row" "$how" "$then" "$seen" "$normally" "$ending"
    done
done

# What a report says of the same: fault or sent, by whom, and whether PID 1 goes on.
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT
for how in fault-maperr kill; do
    printf '\n$ unshare --fork --pid inquest run --catch -- watchseg %s --no-handler; inquest show\n' $how
    # In a shell of its own, whose word about the death nobody needs.
    bash -c '"$@"; exit $?' bash "${as_init[@]}" "$stage/bin/inquest" run --catch --dir "$reports" -- \
        "$program" $how --no-handler >/dev/null 2>&1
    INQUEST_DIR=$reports PAGER=cat "$stage/bin/inquest" show | sed -n '1,/^Process/{/^Process/!p}'
done
