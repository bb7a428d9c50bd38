#!/usr/bin/env bash
# `units.sh install` or `units.sh uninstall`: says what it would do; CONFIRM=1 does it.
#   PREFIX    where the program lies with its .venv (this checkout)
#   DESTDIR   a folder in place of / to put the files below; nothing is started then
#   VAULT=1   start the units of the vault too; without it their files are there and rest
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
prefix=${PREFIX:-$(dirname "$here")}
etc=${DESTDIR:-}/etc
vault=(availability-vault-capture.service availability-vault-refine.service)
units=(availability-update.service availability-update.timer availability-site.service availability-notify@.service "${vault[@]}")

do_it() { # print a command, and run it where that is wanted
    echo "    $*"
    if [ "${CONFIRM:-}" = 1 ]; then "$@"; fi
}

on_system() { # the same, where the system itself is meant
    if [ -z "${DESTDIR:-}" ]; then do_it "$@"; else echo "    left out, for DESTDIR is set: $*"; fi
}

put() { # a file of ours, with the place of the program in it
    printf '    %s\n' "$2"
    if [ "${CONFIRM:-}" = 1 ]; then
        sed "s|/opt/availability|$prefix|g" "$here/$1" | install -D -m 644 /dev/stdin "$2"
    fi
}

refuse() {
    echo "$1" >&2
    exit 1
}

check_place() { # the units see neither /home nor /root, and their users are not those who install
    local program="$prefix/.venv/bin/availability" python
    [[ $prefix =~ ^/[A-Za-z0-9._/-]+$ ]] || refuse "$prefix has characters that a unit file would take for something else."
    [ -x "$program" ] || refuse "There is no $program: run \`make install\` in $prefix first."
    python=$(readlink -m "$prefix/.venv/bin/python")
    for path in "$prefix" "$python"; do
        case $path in
        /home/* | ~root/* | /run/user/*) refuse "$path lies where the units cannot look: use /opt/availability, and a Python of the system." ;;
        esac
    done
}

install_units() {
    check_place
    echo "Files:"
    for unit in "${units[@]}"; do put "$unit" "$etc/systemd/system/$unit"; done
    put sysusers.conf "$etc/sysusers.d/availability.conf"
    if [ -e "$etc/availability.env" ]; then
        echo "    $etc/availability.env is there and stays as it is"
    else
        put availability.env "$etc/availability.env"
    fi
    echo "Commands:"
    on_system systemd-sysusers "$etc/sysusers.d/availability.conf"
    on_system systemctl daemon-reload
    on_system systemctl enable --now --no-block availability-update.timer availability-site.service
    on_system systemctl start --no-block availability-update.service
    if [ "${VAULT:-}" = 1 ]; then on_system systemctl enable --now --no-block "${vault[@]}"; fi
}

uninstall_units() {
    [ -e "$etc/systemd/system/availability-update.timer" ] || refuse "The units are not installed in $etc/systemd/system."
    echo "Commands:"
    on_system systemctl disable --now availability-update.timer availability-site.service "${vault[@]}"
    on_system systemctl stop availability-update.service
    echo "Files:"
    do_it rm -f "${units[@]/#/$etc/systemd/system/}" "$etc/sysusers.d/availability.conf"
    on_system systemctl daemon-reload
    echo "Kept: $etc/availability.env, /var/lib/availability and the user availability; they are yours to remove."
}

case ${1:-} in
install) install_units ;;
uninstall) uninstall_units ;;
*) refuse "Say install or uninstall." ;;
esac
if [ "${CONFIRM:-}" != 1 ]; then echo "Nothing was done. CONFIRM=1 does it."; fi
