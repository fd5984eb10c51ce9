#!/bin/sh
# SPDX-License-Identifier: MIT
#
# peers.sh - programs of others that tests and benchmarks talk to, the rsh family's above all
#
# Debian's packages, unpacked into build-peers/PACKAGE of this tree and not installed: some exclude
# each other, and none of these servers is to be enabled on a machine because somebody ran our tests.
# Nothing there is set-user-ID either; the tests do that to copies which nobody else sees. Quick when
# all are there. What cannot be had is named, and its tests name it too: that is no failure here.
set -eu

# Two families of clients and servers; who starts their servers; what rsh gave way to. A web server.
packages='rsh-client rsh-server rsh-redone-client rsh-redone-server openbsd-inetd openssh-server nginx'

cd "$(dirname "$0")/.."
place=build-peers

missing=
for package in $packages; do
	[ -d "$place/$package" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
	echo "peers: no apt-get here, so not in $place:$missing" >&2
	exit 0
fi

update() {
	if [ "$(id -u)" -eq 0 ]; then
		apt-get update -q
	elif command -v sudo >/dev/null; then
		sudo apt-get update -q
	fi
}

mkdir -p "$place"
work=$(mktemp -d "$place/.unpack-XXXXXX")
trap 'rm -rf "$work"' EXIT

# As the user who runs this, in a directory that is his alone.
download() {
	(cd "$work" && apt-get download -q -o APT::Sandbox::User=root "$1" >log 2>&1)
}

updated=
for package in $missing; do
	if ! download "$package" && [ -z "$updated" ]; then
		# The lists may be missing or old, as they often are in a container.
		update >/dev/null 2>&1 || :
		updated=yes
		download "$package" || :
	fi
	archive=$(find "$work" -name "${package}_*.deb")
	if [ -z "$archive" ]; then
		echo "peers: $package cannot be had here: $(tail -n 1 "$work/log")" >&2
		continue
	fi
	dpkg-deb -x "$archive" "$work/$package"
	chmod -R u-s,g-s "$work/$package"
	chown -Rh --reference=Makefile "$work/$package"
	mv -T "$work/$package" "$place/$package"
	echo "peers: $package is in $place"
done
chown --reference=Makefile "$place"
