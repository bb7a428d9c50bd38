#!/bin/sh
# Tell somebody that a unit failed: `notify.sh UNIT`. AVAILABILITY_NOTIFY is the command that does it; the text comes to
# its standard input, a line fit for a subject is in AVAILABILITY_SUBJECT.
set -eu
if [ -z "${AVAILABILITY_NOTIFY:-}" ]; then
    echo "$1 failed; nobody is told, for AVAILABILITY_NOTIFY is not set in /etc/availability.env" >&2
    exit 0
fi
AVAILABILITY_SUBJECT="$1 failed on $(uname -n)"
export AVAILABILITY_SUBJECT
{
    echo "$AVAILABILITY_SUBJECT"
    if [ -n "${MONITOR_INVOCATION_ID:-}" ]; then # systemd 251 and newer says which run of the unit it was
        journalctl --no-pager --output=cat --lines=50 "_SYSTEMD_INVOCATION_ID=$MONITOR_INVOCATION_ID"
    else
        journalctl --no-pager --output=cat --lines=50 --unit "$1"
    fi
} 2>&1 | sh -c "$AVAILABILITY_NOTIFY"
