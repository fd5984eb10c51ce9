#!/bin/sh
# SPDX-License-Identifier: MIT
#
# deps.sh - install what building, testing, linting and measuring portcred takes
#
# Installs only what is missing, with apt-get (Debian, Ubuntu) or dnf (Fedora); on another system, or
# without the right to install, prints what to install. Quick when nothing is missing.
#
# deps.sh [--long] [--kernels] [--list]
#
# --long, --kernels: also what make check-long, make check-kernels take. --list: print the packages by the names of this system's
# package manager, one a line, and install nothing.
set -eu

long='' kernels='' list=''
for option; do
	case $option in
	--long) long=yes ;;
	--kernels) kernels=yes ;;
	--list) list=yes ;;
	*)
		echo "deps: unknown option '$option', expected --long, --kernels or --list" >&2
		exit 2
		;;
	esac
done

# Debian's name (a|b: the first that the system knows), Fedora's name, what it is for.
# "-" where that system has it in another package of the list.
packages() {
	{
		everyday
		[ -z "$long" ] || for_check_long
		[ -z "$kernels" ] || for_check_kernels
	} | sed 's/[[:space:]]*#.*//; /^$/d'
}

everyday() {
	cat <<-'LIST'
		# the build
		gcc                   gcc                  # the compiler
		libc6-dev             glibc-devel
		linux-libc-dev        kernel-headers       # <linux/bpf.h>, for both halves
		make                  make
		meson                 meson
		ninja-build           ninja-build
		pkg-config            pkgconf-pkg-config   # meson finds libraries with it
		python3               python3              # generators and runners in tools/
		clang                 clang                # compiles the kernel half
		llvm                  llvm                 # llvm-symbolizer: names in the fuzzers' reports
		bpftool|linux-tools-generic bpftool        # makes the skeleton of the kernel half
		libbpf-dev            libbpf-devel         # loads it
		libelf-dev            elfutils-libelf-devel # libbpf's own need, in static links too
		libsystemd-dev        systemd-devel        # event loop, readiness, journal
		libjansson-dev        jansson-devel        # JSON: varlink, --json
		libmnl-dev            libmnl-devel         # netlink: sock_diag
		libcap-dev            libcap-devel         # dropping capabilities
		libpam0g-dev          pam-devel            # the rsh family's server: accounts, passwords, sessions
		libseccomp-dev        libseccomp-devel     # the daemon's system call filter
		libsodium-dev         libsodium-devel      # host keys: X25519, BLAKE2b
		# the tests
		libcmocka-dev         libcmocka-devel      # unit tests
		python3-pytest        python3-pytest       # system tests
		liburing-dev          liburing-devel       # a bind through io_uring
		iproute2              iproute              # namespaces, addresses, bridges
		util-linux            util-linux           # setpriv, unshare, mount
		procps                procps-ng            # sysctl
		kmod                  kmod                 # modprobe: UDP-Lite and MPTCP may be modules
		zsh                   zsh                  # the completion is tried in the shells themselves
		fish                  fish
		perl                  perl-interpreter     # an example of portcred(3)
		dnsmasq-base          dnsmasq              # servers that take portcred over
		dropbear-bin          dropbear
		rsync                 rsync
		nfs-ganesha           nfs-ganesha          # the server behind the NFS gate
		nfs-ganesha-vfs       nfs-ganesha-vfs
		nfs-ganesha-mem       nfs-ganesha-mem      # files that are in no file system
		rpcbind               rpcbind              # which it cannot do without
		libnfs-utils          libnfs-utils         # a client
		socat                 socat
		curl                  curl                 # the demo's web page
		gunicorn              python3-gunicorn     # a server that takes sockets by LISTEN_FDS
		git                   git                  # git daemon, from inetd; lint looks at what git tracks
		pdsh                  pdsh                 # an rsh client; other peers of the family: peers.sh
		ansible-core          ansible-core         # what is used over rsh
		libbsd0               libbsd               # what those need: inetd
		libevent-2.1-7|libevent-2.1-7t64 libevent
		libtirpc3|libtirpc3t64 libtirpc
		libwrap0              -                    # and sshd
		libgssapi-krb5-2      krb5-libs
		libaudit1             audit-libs
		libpcre2-8-0          pcre2                # and nginx
		openssh-client        openssh-clients
		libclang-rt-dev|libclang-common-14-dev compiler-rt # libFuzzer and clang's sanitizers
		libcrypt-dev          libxcrypt-devel      # crypt(3), in the sanitized build of the rsh family's server
		-                     libasan              # gcc's sanitizers: on Debian they come with gcc
		-                     libubsan
		# lint
		clang-format          clang-tools-extra
		clang-tidy            -
		cppcheck              cppcheck
		shellcheck            ShellCheck
		python3-pyflakes      python3-pyflakes
		mandoc                mandoc               # the manual pages' own lint
		# the benchmarks
		authbind              -                    # what some of them compare with
		nftables              nftables
		oidentd               oidentd
		munge                 munge
		systemd               systemd              # systemd-socket-activate
		ucspi-tcp             -                    # tcpserver
		haproxy               haproxy
		-                     glibc-static         # a program that is linked statically: Debian's libc6-dev has it
	LIST
}

for_check_long() {
	cat <<-'LIST'
		# the Debian packages, and a root to install them in
		dpkg-dev              -
		debhelper             -
		systemd-dev|systemd   -                    # where units lie
		mmdebstrap            -
		golang-go             golang               # an example of portcred(3)
	LIST
}

for_check_kernels() {
	cat <<-'LIST'
		# another kernel, and the first thing that it starts
		qemu-system-x86       -
		busybox-static|busybox -
		cpio                  -
		fio                   -                    # exercise a file system there
		stress-ng             -
	LIST
}

# Debian's alternatives: the first name that the package lists know.
known() {
	for name in $(echo "$1" | tr '|' ' '); do
		if apt-cache show --no-all-versions "$name" >/dev/null 2>&1; then
			echo "$name"
			return
		fi
	done
	echo "${1%%|*}"
}

deb_installed() {
	for name in $(echo "$1" | tr '|' ' '); do
		dpkg-query -W -f='${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed && return
	done
	return 1
}

run_as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "deps: not root, and no sudo here. As root: $*" >&2
		exit 1
	fi
}

with_apt() {
	missing=
	for package in $(packages | awk '$1 != "-" { print $1 }'); do
		deb_installed "$package" || missing="$missing $package"
	done
	[ -n "$missing" ] || return 0

	run_as_root apt-get update -q
	chosen=
	for package in $missing; do
		chosen="$chosen $(known "$package")"
	done
	echo "deps: installing$chosen"
	forbid_starts
	# shellcheck disable=SC2086 # a list of package names
	run_as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -q -y --no-install-recommends $chosen
	allow_starts
	disable_servers
}

# Servers among the packages are for tests to start, in namespaces of their own. None of those that are
# installed here is started on this machine (policy-rc.d, in Debian's invoke-rc.d(8)), now or at its
# next boot.
policy=/usr/sbin/policy-rc.d

forbid_starts() {
	[ ! -e "$policy" ] || return 0
	trap 'allow_starts' EXIT
	printf '#!/bin/sh\n# of portcred, while packages are installed\nexit 101\n' |
		run_as_root tee "$policy" >/dev/null
	run_as_root chmod 755 "$policy"
}

allow_starts() {
	trap - EXIT
	if grep -qsx '# of portcred, while packages are installed' "$policy"; then
		run_as_root rm -f "$policy"
	fi
}

disable_servers() {
	[ -d /run/systemd/system ] || return 0
	for package in $missing; do
		case $package in
		munge | oidentd | rpcbind | nfs-ganesha | haproxy) ;;
		*) continue ;;
		esac
		for unit in $(dpkg-query -L "$package" | sed -n 's|.*/systemd/system/\([^/@]*\.\(service\|socket\)\)$|\1|p'); do
			run_as_root systemctl disable --quiet "$unit" 2>/dev/null || :
		done
	done
}

with_dnf() {
	missing=
	for package in $(packages | awk '$2 != "-" { print $2 }'); do
		rpm -q --quiet --whatprovides "$package" || missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	echo "deps: installing$missing"
	# shellcheck disable=SC2086 # a list of package names
	run_as_root dnf install -q -y --setopt=install_weak_deps=False $missing
}

if command -v apt-get >/dev/null; then
	column=1 install=with_apt
elif command -v dnf >/dev/null; then
	column=2 install=with_dnf
else
	echo "deps: neither apt-get nor dnf here. What to install, by Debian's names:" >&2
	packages | awk '$1 != "-" { sub(/\|.*/, "", $1); print "  " $1 }' >&2
	exit 1
fi
if [ -n "$list" ]; then
	packages | awk -v column="$column" '$column != "-" { print $column }'
	exit
fi
$install
"$(dirname "$0")/peers.sh"
echo "deps: all there"
