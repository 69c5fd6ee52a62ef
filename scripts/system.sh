#!/usr/bin/env bash
# Install the Debian packages that a target needs. As root by apt; anyone else is told what is
# missing, and the work goes on: a part that cannot do without will say so itself.
# Usage: scripts/system.sh run|demo|test
set -euo pipefail

packages=(python3 python3-venv python3-dev gcc libc6-dev)
if [ "${1:?run, demo or test}" != run ]; then
    # The lab: a switch, and what makes networks in namespaces.
    packages+=(openvswitch-switch iproute2 ethtool iputils-ping util-linux procps)
fi
if [ "$1" = test ]; then
    packages+=(
        git tshark tcpdump xz-utils   # the second opinion on captures, and their packers
        bash zsh fish shellcheck      # completion scripts and our own scripts are parsed
        buildah mmdebstrap            # the container image, on a base made here
        rabbitmq-server openssl       # the lab's broker, and certificates for it
        postgresql mariadb-server-core # databases that a store may be in
        systemd                       # checks the unit of its service
    )
fi

command -v dpkg-query >/dev/null || {
    echo "system: this is no Debian; what is needed is the like of: ${packages[*]}" >&2
    exit 0
}
missing=()
for package in "${packages[@]}"; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "system: missing packages; as root: apt-get install ${missing[*]}" >&2
    exit 0
fi
echo "system: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
# Open vSwitch and RabbitMQ are wanted as programs: Debian asks this file whether it may start
# their services, and 101 is no. One that is there already says what the machine's owner wants.
policy=/usr/sbin/policy-rc.d
if ! [ -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
apt-get update -qq || echo "system: apt-get update failed; trying with the lists there are" >&2
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    echo "system: apt-get could not install all of: ${missing[*]}; going on without" >&2
