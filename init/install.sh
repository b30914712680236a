#!/bin/sh
# `make install` and `make uninstall`. All paths come from the Makefile in the environment.
set -eu
umask 022

fail() {
	echo "install: $*" >&2
	exit 1
}
say() {
	echo "install: $*"
}

# rc scripts have a short PATH, so node's absolute path is written into programs and scripts.
find_node() {
	node=$(command -v "$NODE") || fail "no $NODE in PATH; smf-spf needs Node 20.19 or newer"
	"$node" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
		fail "$node is $("$node" --version); smf-spf needs Node 20.19 or newer"
}

guess_init() {
	case $(uname -s) in
	FreeBSD) echo freebsd ;;
	Linux)
		if [ -d /run/systemd/system ]; then
			echo systemd
		elif [ -x /sbin/openrc-run ]; then
			echo openrc
		elif [ -e /etc/slackware-version ]; then
			echo slackware
		elif [ -d /etc/init.d ]; then
			echo sysv
		else
			echo none
		fi
		;;
	*) echo none ;;
	esac
}

# Where the scripts of an init system go: "source target mode" a line.
init_files() {
	case $1 in
	systemd)
		echo "smf-spf.service ${UNITDIR:-/etc/systemd/system}/smf-spf.service 644"
		echo "smf-spf.socket ${UNITDIR:-/etc/systemd/system}/smf-spf.socket 644"
		;;
	sysv) echo "smf-spf.sysv /etc/init.d/smf-spf 755" ;;
	openrc) echo "smf-spf.openrc /etc/init.d/smf-spf 755" ;;
	freebsd) echo "smfspf.freebsd $PREFIX/etc/rc.d/smfspf 755" ;;
	slackware) echo "rc.smf-spf.slackware /etc/rc.d/rc.smf-spf 755" ;;
	none) ;;
	*) fail "INIT=$1 is none of systemd, sysv, openrc, freebsd, slackware, none" ;;
	esac
}

# source target mode: with the paths of this installation written in.
install_filled() {
	mkdir -p "$(dirname "$2")"
	sed -e "1s|^#!/usr/bin/env node|#!$node|" -e "s|@NODE@|$node|g" -e "s|@SBINDIR@|$SBINDIR|g" \
		-e "s|@CONFDIR@|$CONFDIR|g" -e "s|@RUNDIR@|$RUNDIR|g" -e "s|@USER@|$SMFS_USER|g" "$1" >"$2.tmp"
	chmod "$3" "$2.tmp"
	# Renamed over the old one, which a running daemon may still be reading.
	mv -f "$2.tmp" "$2"
}

install_config() {
	target=$DESTDIR$CONFDIR/smf-spf.conf
	mkdir -p "$DESTDIR$CONFDIR" "$DESTDIR$DATADIR"
	install_filled etc/smf-spf.conf "$DESTDIR$DATADIR/smf-spf.conf.sample" 644
	if [ ! -e "$target" ]; then
		cp "$DESTDIR$DATADIR/smf-spf.conf.sample" "$target"
	elif ! cmp -s "$DESTDIR$DATADIR/smf-spf.conf.sample" "$target"; then
		cp "$DESTDIR$DATADIR/smf-spf.conf.sample" "$target.new"
		say "$target is kept; the new sample is $target.new"
	fi
}

have_user() { id -u "$SMFS_USER" >/dev/null 2>&1; }

make_user() {
	have_user && return 0
	case $(uname -s) in
	FreeBSD)
		pw groupadd "$SMFS_USER" 2>/dev/null || true
		pw useradd "$SMFS_USER" -g "$SMFS_USER" -d /nonexistent -s /usr/sbin/nologin -c "SPF milter"
		;;
	*)
		if command -v useradd >/dev/null; then
			grep -q "^$SMFS_USER:" /etc/group || groupadd -r "$SMFS_USER"
			useradd -r -g "$SMFS_USER" -d /nonexistent -M -s /usr/sbin/nologin -c "SPF milter" "$SMFS_USER"
		else
			addgroup -S "$SMFS_USER" 2>/dev/null || true
			adduser -S -D -H -h /nonexistent -s /sbin/nologin -G "$SMFS_USER" "$SMFS_USER"
		fi
		;;
	esac
	# uninstall removes the user only if this installation made it.
	: >"$DATADIR/made-user"
	say "made user and group $SMFS_USER"
}

do_install() {
	find_node
	[ -n "$INIT" ] || INIT=$(guess_init)
	install_filled dist/smf-spf.js "$DESTDIR$SBINDIR/smf-spf" 755
	install_filled dist/spfquery.js "$DESTDIR$BINDIR/spfquery" 755
	for page in etc/man/*.[1-8]; do
		install_filled "$page" "$DESTDIR$MANDIR/man${page##*.}/$(basename "$page")" 644
	done
	install_config
	install_filled etc/smf-spf.logrotate "$DESTDIR$DATADIR/smf-spf.logrotate" 644
	files=$(init_files "$INIT")
	echo "$files" | while read -r source target mode; do
		[ -z "$source" ] || install_filled "init/$source" "$DESTDIR$target" "$mode"
	done
	if [ -z "$DESTDIR" ] && [ "$(id -u)" -eq 0 ]; then
		make_user
		mkdir -p "$RUNDIR"
		chown "$SMFS_USER:$(id -g "$SMFS_USER")" "$RUNDIR"
		chmod 755 "$RUNDIR"
	fi
	say "smf-spf is in $SBINDIR, its settings in $CONFDIR/smf-spf.conf, init script: $INIT"
}

do_uninstall() {
	for init in systemd sysv openrc freebsd slackware; do
		init_files "$init" | while read -r _ target _; do
			# Another package's script of that name is not ours to remove.
			if [ -f "$DESTDIR$target" ] && grep -q "$SBINDIR/smf-spf\|smf-spf.sock" "$DESTDIR$target"; then
				rm -f "$DESTDIR$target"
			fi
		done
	done
	rm -f "$DESTDIR$SBINDIR/smf-spf" "$DESTDIR$BINDIR/spfquery"
	for page in etc/man/*.[1-8]; do
		rm -f "$DESTDIR$MANDIR/man${page##*.}/$(basename "$page")"
	done
	config=$DESTDIR$CONFDIR/smf-spf.conf
	if [ -e "$config" ] && cmp -s "$config" "$DESTDIR$DATADIR/smf-spf.conf.sample"; then
		rm -f "$config"
	elif [ -e "$config" ]; then
		say "$config was changed by hand and is left"
	fi
	rm -f "$config.new"
	if [ -e "$DESTDIR$DATADIR/made-user" ] && have_user; then
		if command -v userdel >/dev/null; then userdel "$SMFS_USER"; elif command -v pw >/dev/null; then pw userdel "$SMFS_USER"; else deluser "$SMFS_USER"; fi
	fi
	rm -f "$DESTDIR$DATADIR/smf-spf.conf.sample" "$DESTDIR$DATADIR/smf-spf.logrotate" "$DESTDIR$DATADIR/made-user"
	if [ -z "$DESTDIR" ]; then
		rm -f "$RUNDIR/smf-spf.pid" "$RUNDIR/smf-spf.sock"
		rmdir "$RUNDIR" 2>/dev/null || true
	fi
	rmdir "$DESTDIR$DATADIR" "$DESTDIR$CONFDIR" 2>/dev/null || true
}

case $1 in
install) do_install ;;
uninstall) do_uninstall ;;
*) fail "usage: $0 install|uninstall" ;;
esac
