# Run as root inside the booted container of tests/booted.py: an operator installs the units of the vault, and they go on
# whatever happens to them. What is seen is written to /shared, and judged outside.
export PYTHONPATH=/opt/availability:/opt/packages
program=/opt/availability/.venv/bin/availability
export AVAILABILITY_VAULT_CONFIG=/etc/availability-vault.yaml

until_true() { # a command, until it succeeds
    for _ in $(seq 300); do
        if "$@" > /dev/null 2>&1; then return 0; fi
        sleep 0.2
    done
    journalctl --no-pager > /shared/journal
    return 1
}
captured() { grep --quiet '"capturing":"process' /shared/"$1" && grep --quiet --invert-match '"received":null' /shared/"$1"; }
look() { cd /var/lib/availability && $program vault status --json > /shared/"$1"; }
well() { look "$1" && captured "$1"; }
parts() { ls /var/lib/availability/vault/processed/coinbase/market_trades/product_id=BTC-USD/*/*.parquet; }

systemd-run --quiet --unit=replay --setenv=PYTHONPATH=$PYTHONPATH /opt/python/bin/python3 \
    -m etl.replay --recording /shared/session.jsonl --port 9124 --repeat 0
cat > $AVAILABILITY_VAULT_CONFIG <<'YAML'
capture: {url: "ws://127.0.0.1:9124", segment_mb: 0.01}
YAML
echo "AVAILABILITY_NOTIFY='systemd-cat --identifier=told cat'" > /etc/availability.env
make --no-print-directory -C /opt/availability install-units VAULT=1 CONFIRM=1 > /shared/install
systemctl stop availability-update.timer availability-update.service availability-site.service
until_true well first.json
mkdir -p /run/systemd/system/availability-vault-refine.service.d
printf '[Service]\nExecStart=\nExecStart=%s vault refine --watch 1\n' $program \
    > /run/systemd/system/availability-vault-refine.service.d/often.conf
systemctl daemon-reload
systemctl restart availability-vault-refine.service
until_true parts
stat --format='%U %a %n' /var/lib/availability/vault /var/lib/availability/vault/processed > /shared/owners

# killed: both come back by themselves
systemctl kill --signal=KILL availability-vault-capture.service availability-vault-refine.service
sleep 1
until_true well second.json
until_true systemctl is-active availability-vault-refine.service
systemctl show --property=NRestarts availability-vault-capture.service availability-vault-refine.service > /shared/restarts

# stopped: in order, and in time
began=$(date +%s)
systemctl stop availability-vault-capture.service availability-vault-refine.service
echo $(($(date +%s) - began)) > /shared/seconds
systemctl show --property=Result,ActiveState availability-vault-capture.service availability-vault-refine.service > /shared/stopped
ls -A /var/lib/availability/vault/raw/active/coinbase > /shared/active

# a product that is none: told, and not tried again
echo 'capture: {url: "ws://127.0.0.1:9124", products: [NO-SUCH]}' > $AVAILABILITY_VAULT_CONFIG
systemctl start availability-vault-capture.service
until_true systemctl is-failed availability-vault-capture.service
sleep 7
systemctl show --property=ActiveState,ExecMainStatus availability-vault-capture.service > /shared/refused
journalctl --sync
journalctl --no-pager --identifier=told --output=cat > /shared/told
