# Run as root inside the booted container of tests/booted.py: an operator installs the units, and days pass.
# What is seen is written to /shared, and judged outside.
export PYTHONPATH=/opt/availability:/opt/packages
site=http://127.0.0.1:8001 archive=http://127.0.0.1:9100

until_there() { # URL FILE [TEXT]: wait until it answers, with this text in it
    for _ in $(seq 600); do
        if curl --silent --max-time 5 --output "$2" "$1" && grep --quiet "${3:-}" "$2"; then return 0; fi
        sleep 0.1
    done
    journalctl --no-pager > /shared/journal
    return 1
}
tell_archive() { curl --silent --fail --request POST --data "$2" "$archive/-/$1"; }

cat > /shared/universe.csv <<'CSV'
symbol,first_day,last_day,holes,size_level,dead_from,dead_to,origin
BTCUSDT,2023-06-01,,,41188,,,made up
ETHUSDT,2023-06-01,,,38811,,,made up
SOLUSDT,2024-01-05,,,38811,,,made up
CSV
systemd-run --quiet --unit=replica --setenv=PYTHONPATH=$PYTHONPATH /opt/python/bin/python3 \
    -m etl.replica --universe /shared/universe.csv --port 9100 --now 2024-01-20T12:00:00Z
until_there "$archive/data.binance.vision?prefix=x" /shared/archive.xml
cat > /etc/availability.env <<'ENV'
AVAILABILITY_LISTING_URL=http://127.0.0.1:9100/data.binance.vision
AVAILABILITY_FILES_URL=http://127.0.0.1:9100
AVAILABILITY_TODAY=2024-01-20
AVAILABILITY_NOTIFY='systemd-cat --identifier=told sh -c "echo subject: $AVAILABILITY_SUBJECT; cat"'
ENV

# installed: the first build is made, and then served
make --no-print-directory -C /opt/availability install-units CONFIRM=1 > /shared/install
systemctl start availability-update.service
until_there $site/-/healthz /shared/first.json build_id
systemctl show --property=User,DynamicUser,MemoryMax,NextElapseUSecRealtime,ActiveState \
    availability-update.service availability-update.timer availability-site.service > /shared/show
stat --format='%U %a %n' /var/lib/availability /var/lib/availability/* > /shared/owners

# the machine was off for three days: the timer makes up for it, and what is new is there
tell_archive edit '{"action": "add_symbol", "symbol": "NEWUSDT", "first_day": "2024-01-10"}'
mkdir -p /run/systemd/system/availability-update.timer.d
printf '[Timer]\nRandomizedDelaySec=0\n' > /run/systemd/system/availability-update.timer.d/soon.conf
systemctl daemon-reload
systemctl stop availability-update.timer
touch --date='3 days ago' /var/lib/systemd/timers/stamp-availability-update.timer
systemctl start availability-update.timer
until_there "$site/availability/coverage.json?_shape=array" /shared/second.json NEWUSDT
until_there $site/-/healthz /shared/second_health.json build_id
while [ "$(systemctl is-active availability-update.service)" = activating ]; do sleep 0.1; done

# the archive refuses: somebody is told, the site stays
tell_archive faults '[{"kind": "status", "status": 403}]'
systemctl start availability-update.service && echo 0 > /shared/refused || echo 1 > /shared/refused
while ! systemctl show --property=ExecMainExitTimestamp availability-notify@availability-update.service | grep --quiet =.; do sleep 0.1; done
journalctl --sync
journalctl --no-pager --identifier=told --output=cat > /shared/told
until_there $site/-/healthz /shared/third_health.json build_id

# stopped in the middle of its work: it ends in order
tell_archive faults '[{"kind": "slow", "prefix": "data/futures/um/daily/klines/SOLUSDT/", "seconds": 8}]'
tell_archive stats/reset ''
systemctl start --no-block availability-update.service
until_there $archive/-/stats /shared/stats '"list_pages": *[5-9]' # the symbols, and then each of the four
systemctl stop availability-update.service
tell_archive faults '[]'

# the site dies: it comes back
systemctl kill --signal=KILL availability-site.service
until_there $site/-/healthz /shared/fourth_health.json build_id

journalctl --no-pager --unit=availability-update --output=cat > /shared/log
journalctl --no-pager > /shared/journal
make --no-print-directory -C /opt/availability uninstall-units CONFIRM=1 > /shared/uninstall
systemctl list-unit-files 'availability*' --no-legend > /shared/left || true
ls /var/lib/availability /etc/availability.env >> /shared/left
