#!/bin/sh
# What an installer may do with the agent: -a fetch-config [-m ec2] -c file:<path> [-s], -a start, -a stop, -a status.
# As with AWS's, fetch-config takes etc/amazon-cloudwatch-agent.json away, even where that is what it fetches.
set -eu
home=/opt/aws/amazon-cloudwatch-agent
unit=amazon-cloudwatch-agent.service
action='' config='' restart=''
while getopts a:m:c:s option; do
    case $option in
    a) action=$OPTARG ;;
    c) config=$OPTARG ;;
    s) restart=yes ;;
    m) [ "$OPTARG" = ec2 ] ;;
    *) exit 1 ;;
    esac
done
start() {
    systemctl daemon-reload
    systemctl enable --quiet $unit
    systemctl restart $unit
}
case "$action $config" in
"fetch-config file:"*)
    mkdir -p $home/etc/amazon-cloudwatch-agent.d
    cp "${config#file:}" $home/fetched
    python3 -c 'import json, sys; json.load(sys.stdin)' <$home/fetched
    rm -f $home/etc/amazon-cloudwatch-agent.json $home/etc/amazon-cloudwatch-agent.d/*
    mv $home/fetched "$home/etc/amazon-cloudwatch-agent.d/file_$(basename "$config")"
    echo "Configuration validation succeeded"
    [ -z "$restart" ] || start
    ;;
"start ") start ;;
"stop ") systemctl stop $unit ;;
"status ")
    [ "$(systemctl is-active $unit)" = active ] && status=running || status=stopped
    echo "{\"status\": \"$status\", \"version\": \"1.300000.0\"}"
    ;;
*)
    echo "Invalid action: $action $config" >&2
    exit 1
    ;;
esac
