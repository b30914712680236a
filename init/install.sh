#!/bin/sh
# `make install` and `make uninstall`. All paths come from the Makefile in the environment.
# What is made is written to $DATADIR/installed, one thing a line, so that uninstall takes back that and no more.
# shellcheck disable=SC2153 # They come from the Makefile.
set -eu
umask 022

fail() {
	echo "$task: $*" >&2
	exit 1
}
say() {
	echo "$task: $*"
}
warn() {
	echo "$task: warning: $*" >&2
}

task=${1:-}
LIST=$DESTDIR$DATADIR/installed
made=
# 3.0.0 wrote "folder".
[ ! -e "$LIST" ] || made=$(sed "s/^folder /directory /" "$LIST")

# kind path: remembers a thing that is made here. Paths are without DESTDIR.
remember() {
	case "
$made
" in
	*"
$1 $2
"*) ;;
	*) made="${made:+$made
}$1 $2" ;;
	esac
}
# Also after a failure: what is made by then can be taken back.
save_list() {
	if [ -d "$DESTDIR$DATADIR" ]; then echo "$made" >"$LIST"; fi
}
was_made() {
	echo "$made" | grep -qxF "$1"
}

make_directory() {
	if [ -d "$DESTDIR$1" ]; then return 0; fi
	make_directory_of "${1%/}"
	mkdir "$DESTDIR$1"
	remember directory "$1"
}
# As by dirname(1), which would be a process for each file.
make_directory_of() {
	case $1 in
	/*/* | [!/]*/*) make_directory "${1%/*}" ;;
	/*) make_directory / ;;
	*) make_directory . ;;
	esac
}

# rc scripts have a short PATH, so node's absolute path is written into programs and scripts.
find_node() {
	if [ -n "$TARGET_NODE" ]; then
		node=$TARGET_NODE
		return 0
	fi
	node=$(command -v "$NODE") || fail "no $NODE in PATH; smf-spf needs Node 20.19 or newer (make install NODE=/path/to/node)"
	case $node in
	/*) ;;
	*) node=$(cd "$(dirname "$node")" && pwd)/$(basename "$node") ;;
	esac
	"$node" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
		fail "$node is $("$node" --version); smf-spf needs Node 20.19 or newer"
	case $node in
	/root/* | /home/* | /tmp/*)
		warn "$node is in a home or temporary directory: systemd hides it from the daemon, and other users cannot run spfquery"
		;;
	esac
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
		echo "smf-spf.service $UNITDIR/smf-spf.service 644"
		echo "smf-spf.socket $UNITDIR/smf-spf.socket 644"
		echo "smf-spf.sysusers ${UNITDIR%/systemd/system}/sysusers.d/smf-spf.conf 644"
		echo "smf-spf.tmpfiles ${UNITDIR%/systemd/system}/tmpfiles.d/smf-spf.conf 644"
		;;
	sysv) echo "smf-spf.sysv /etc/init.d/smf-spf 755" ;;
	openrc) echo "smf-spf.openrc /etc/init.d/smf-spf 755" ;;
	freebsd) echo "smfspf.freebsd $PREFIX/etc/rc.d/smfspf 755" ;;
	slackware) echo "rc.smf-spf.slackware /etc/rc.d/rc.smf-spf 755" ;;
	none) ;;
	*) fail "INIT=$1 is none of systemd, sysv, openrc, freebsd, slackware, none" ;;
	esac
}

# Renamed over the old file, which a running daemon or script may still be reading.
put() {
	chmod "$2" "$DESTDIR$1.tmp"
	mv -f "$DESTDIR$1.tmp" "$DESTDIR$1"
	remember file "$1"
}

# source target: a file as it is.
install_copy() {
	make_directory_of "$2"
	cp "$1" "$DESTDIR$2.tmp"
	put "$2" 644
}

# source target: a program, with node's path in its first line.
install_program() {
	make_directory_of "$2"
	{
		echo "#!$node"
		tail -n +2 "$1"
	} >"$DESTDIR$2.tmp"
	put "$2" 755
}

# source target mode: a text, with the paths of this installation written in.
install_text() {
	make_directory_of "$2"
	# systemd complains of paths below the link /var/run.
	case $RUNDIR in
	/var/run/*) unit_run=${RUNDIR#/var} ;;
	*) unit_run=$RUNDIR ;;
	esac
	case $1 in
	etc/man/*) confdir_in_pages="s|/etc/mail/smfs|$CONFDIR|g" ;;
	*) confdir_in_pages= ;;
	esac
	sed -e "s|@NODE@|$node|g" -e "s|@SBINDIR@|$SBINDIR|g" -e "s|@BINDIR@|$BINDIR|g" -e "s|@CONFDIR@|$CONFDIR|g" \
		-e "s|@UNITRUNDIR@|$unit_run|g" -e "s|@RUNDIR@|$RUNDIR|g" -e "s|@USER@|$SMFS_USER|g" \
		-e "$confdir_in_pages" "$1" >"$DESTDIR$2.tmp"
	put "$2" "$3"
}

# The sample, with the lines made active that differ from what the daemon has built in.
install_sample() {
	make_directory "$DATADIR"
	set -- -e ''
	if [ "$SMFS_USER" != smfs ]; then
		set -- "$@" -e "s|^#User\([[:space:]]*\).*|User\1$SMFS_USER|"
	fi
	if [ "$RUNDIR" != /var/run/smfs ]; then
		set -- "$@" -e "s|^#Socket\([[:space:]]*\)unix:.*|Socket\1unix:$RUNDIR/smf-spf.sock|" \
			-e "s|^#PidFile\([[:space:]]*\).*|PidFile\1$RUNDIR/smf-spf.pid|"
	fi
	sed "$@" etc/smf-spf.conf >"$DESTDIR$sample.tmp"
	put "$sample" 644
}

# Root reads it at the start, the user smfs at every reload: there is no secret in it.
install_config() {
	make_directory "$CONFDIR"
	if [ ! -e "$DESTDIR$config" ]; then
		cp "$DESTDIR$sample" "$DESTDIR$config"
		remember config "$config"
	elif ! cmp -s "$DESTDIR$sample" "$DESTDIR$config"; then
		cp "$DESTDIR$sample" "$DESTDIR$config.new"
		remember file "$config.new"
		say "$config is kept; the new sample is $config.new"
	fi
}

check_config_access() {
	case $(ls -ldL "$config" | cut -c 8) in
	r) return 0 ;;
	esac
	case $(ls -ldL "$config" | awk '{ print substr($1, 5, 1) " " $4 }') in
	"r $(id -gn "$SMFS_USER")") return 0 ;;
	esac
	warn "$SMFS_USER cannot read $config, so a reload will fail: chgrp $(id -gn "$SMFS_USER") $config && chmod g+r $config"
}

have_user() { id -u "$SMFS_USER" >/dev/null 2>&1; }
have_group() { grep -q "^$SMFS_USER:" /etc/group; }

make_user() {
	if have_user; then return 0; fi
	if ! have_group; then
		if command -v pw >/dev/null; then
			pw groupadd "$SMFS_USER"
		elif command -v groupadd >/dev/null; then
			groupadd -r "$SMFS_USER"
		else
			addgroup -S "$SMFS_USER"
		fi
		remember group "$SMFS_USER"
	fi
	if command -v pw >/dev/null; then
		pw useradd "$SMFS_USER" -g "$SMFS_USER" -d /nonexistent -s /usr/sbin/nologin -c "SPF milter"
	elif command -v useradd >/dev/null; then
		useradd -r -g "$SMFS_USER" -d /nonexistent -M -s /usr/sbin/nologin -c "SPF milter" "$SMFS_USER"
	else
		adduser -S -D -H -h /nonexistent -s /sbin/nologin -G "$SMFS_USER" "$SMFS_USER"
	fi
	remember user "$SMFS_USER"
	say "made the user $SMFS_USER"
}

# userdel may take the group along.
remove_user() {
	if was_made "user $SMFS_USER" && have_user; then
		if command -v pw >/dev/null; then
			pw userdel "$SMFS_USER"
		elif command -v userdel >/dev/null; then
			userdel "$SMFS_USER"
		else
			deluser "$SMFS_USER"
		fi
	fi
	if was_made "group $SMFS_USER" && have_group; then
		if command -v pw >/dev/null; then
			pw groupdel "$SMFS_USER"
		elif command -v groupdel >/dev/null; then
			groupdel "$SMFS_USER"
		else
			delgroup "$SMFS_USER"
		fi
	fi
}

make_run_directory() {
	make_directory "$RUNDIR"
	chown "$SMFS_USER:$(id -g "$SMFS_USER")" "$RUNDIR"
	chmod 755 "$RUNDIR"
	# CacheFile of the sample lies here.
	make_directory "$STATEDIR"
	chown "$SMFS_USER:$(id -g "$SMFS_USER")" "$STATEDIR"
	chmod 750 "$STATEDIR"
}

# The program itself knows of one place only.
how_to_start() {
	named=
	[ "$CONFDIR" = /etc/mail/smfs ] || named=" -c $config"
	say "check it with: $SBINDIR/smf-spf -t$named"
	at_boot=
	case $INIT in
	systemd)
		start="systemctl enable --now smf-spf"
		restart="systemctl restart smf-spf"
		;;
	sysv)
		start="/etc/init.d/smf-spf start"
		restart="/etc/init.d/smf-spf restart"
		at_boot="; at every boot: update-rc.d smf-spf defaults, or chkconfig --add smf-spf"
		;;
	openrc)
		start="rc-service smf-spf start"
		restart="rc-service smf-spf restart"
		at_boot="; at every boot: rc-update add smf-spf"
		;;
	freebsd)
		start="sysrc smfspf_enable=YES && service smfspf start"
		restart="service smfspf restart"
		;;
	slackware)
		start="/etc/rc.d/rc.smf-spf start"
		restart="/etc/rc.d/rc.smf-spf restart"
		at_boot="; call that before rc.sendmail or rc.postfix in /etc/rc.d/rc.M"
		;;
	none)
		start="$SBINDIR/smf-spf$named"
		restart="kill \$(cat $(pid_file)), and then $start"
		;;
	esac
	if [ -z "$DESTDIR" ] && running_pid >/dev/null; then
		say "the old program is still running; start the new one with: $restart"
	else
		say "start it with: $start$at_boot"
	fi
}

# The daemon's user owns it, and could put other files in the place of all that are there.
check_run_directory() {
	case ${RUNDIR%/} in
	'' | /run | /var | /var/run | /tmp | /var/tmp | /etc | /usr | /var/lib | /var/spool)
		fail "RUNDIR=$RUNDIR is given to $SMFS_USER: name a directory below it, such as ${RUNDIR%/}/smfs"
		;;
	esac
}

# What an earlier version put into /etc would win over the units of now.
forget_old_units() {
	[ "$UNITDIR" != /etc/systemd/system ] || return 0
	for unit in smf-spf.service smf-spf.socket; do
		old=/etc/systemd/system/$unit
		was_made "file $old" || continue
		rm -f "$DESTDIR$old"
		made=$(echo "$made" | grep -vxF "file $old")
		say "$old, from an earlier make install, is removed: the unit is $UNITDIR/$unit"
		if [ -z "$DESTDIR" ] && [ -e "/etc/systemd/system/multi-user.target.wants/$unit" ] ||
			[ -h "$DESTDIR/etc/systemd/system/multi-user.target.wants/$unit" ]; then
			ln -sfn "$UNITDIR/$unit" "$DESTDIR/etc/systemd/system/multi-user.target.wants/$unit"
		fi
	done
}

# Root must neither fetch packages nor run what they bring, so nothing is built here.
check_build() {
	for program in smf-spf spfquery spfreport; do
		[ -e "dist/$program.js" ] || fail "dist/$program.js is missing: run \"make build\" first, as an ordinary user"
	done
	for part in shared-cache.cjs status.cjs completions; do
		[ -e "dist/$part" ] || fail "dist/$part is missing: run \"make build\" first, as an ordinary user"
	done
	newer=$(find src package.json build.mjs -newer dist/smf-spf.js -type f ! -name '.*' 2>/dev/null | head -n 1)
	[ -z "$newer" ] || warn "$newer is newer than dist/smf-spf.js; \"make build\" builds the programs from these sources"
}

do_install() {
	check_run_directory
	check_build
	find_node
	[ -n "$INIT" ] || INIT=$(guess_init)
	scripts=$(init_files "$INIT")
	mkdir -p "$DESTDIR/"
	trap save_list EXIT
	make_directory "$DATADIR"
	install_program dist/smf-spf.js "$SBINDIR/smf-spf"
	install_program dist/spfquery.js "$BINDIR/spfquery"
	install_program dist/spfreport.js "$BINDIR/spfreport"
	for page in etc/man/*.[1-8]; do
		install_text "$page" "$MANDIR/man${page##*.}/${page##*/}" 644
	done
	# With the same paths below, so that their links hold.
	for document in README.md README.ja.md CHANGELOG.md SECURITY.md ARCHITECTURE.md CONTRIBUTING.md LICENSE docs/*.md docs/images/*; do
		[ ! -f "$document" ] || install_copy "$document" "$DOCDIR/$document"
	done
	for shell in bash-completion/completions zsh/site-functions fish/vendor_completions.d; do
		for completion in dist/completions/"$shell"/*; do
			install_copy "$completion" "$SHAREDIR/$shell/${completion##*/}"
		done
	done
	# smf-spf looks for them here, and loads the one with SharedCache only, the other with StatusSocket.
	install_copy dist/shared-cache.cjs "$DATADIR/shared-cache.cjs"
	install_copy dist/status.cjs "$DATADIR/status.cjs"
	install_copy LICENSE "$DATADIR/LICENSE"
	install_copy dist/LICENSES "$DATADIR/LICENSES"
	install_sample
	install_config
	install_text etc/smf-spf.logrotate "$DATADIR/smf-spf.logrotate" 644
	install_text share/smf-spf/prometheus-rules.yml "$DATADIR/prometheus-rules.yml" 644
	install_text share/smf-spf/grafana-dashboard.json "$DATADIR/grafana-dashboard.json" 644
	install_text etc/spfreport.cron "$DATADIR/spfreport.cron" 644
	install_text etc/logwatch/smf-spf.conf "$DATADIR/logwatch/smf-spf.conf" 644
	install_text etc/logwatch/smf-spf "$DATADIR/logwatch/smf-spf" 644
	while read -r source target mode; do
		[ -z "$source" ] || install_text "init/$source" "$target" "$mode"
	done <<-END
		$scripts
	END
	if [ -z "$DESTDIR" ] && [ "$(id -u)" -eq 0 ]; then
		make_user
		make_run_directory
		check_config_access
	fi
	forget_old_units
	if [ -z "$DESTDIR" ] && [ "$(id -u)" -eq 0 ] && [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
	say "smf-spf is in $SBINDIR, its settings in $CONFDIR/smf-spf.conf, init system: $INIT"
	how_to_start
}

# As the scripts of the init systems find it.
pid_file() {
	named=$(tr -d '\r' <"$config" 2>/dev/null | awk 'tolower($1) == "pidfile" {
		sub(/^[ \t]*[^ \t]+[ \t]+/, "")
		if (sub(/^"/, "")) sub(/".*/, ""); else sub(/[ \t#].*/, "")
		value = $0
	} END { print value }')
	echo "${named:-$RUNDIR/smf-spf.pid}"
}

# Prints the PID of a daemon that runs our program. The number in the file alone proves nothing.
running_pid() {
	for file in "$(pid_file)" "$(cat "$RUNDIR.started" 2>/dev/null)"; do
		[ -f "$file" ] || continue
		pid=$(head -c 32 "$file" 2>/dev/null) || continue
		case $pid in
		'' | 0 | *[!0-9]*) continue ;;
		esac
		if runs_program "$pid"; then
			echo "$pid"
			return 0
		fi
	done
	return 1
}

runs_program() {
	if [ -r "/proc/$1/cmdline" ]; then
		arguments=$(tr '\0' ' ' <"/proc/$1/cmdline")
	else
		arguments="$(ps -p "$1" -o args= 2>/dev/null) "
	fi
	case $arguments in
	*" $SBINDIR/smf-spf "*) return 0 ;;
	*) return 1 ;;
	esac
}

stop_daemon() {
	if [ -d /run/systemd/system ] && was_made "file $UNITDIR/smf-spf.service"; then
		systemctl --quiet disable --now smf-spf.socket smf-spf.service || true
	fi
	daemon=$(running_pid) || return 0
	say "stopping the daemon (pid $daemon)"
	kill -TERM "$daemon"
	waited=0
	while runs_program "$daemon"; do
		[ "$waited" -lt 60 ] || fail "the daemon (pid $daemon) does not stop; nothing is removed"
		sleep 1
		waited=$((waited + 1))
	done
}

# The links of the run levels.
forget_boot() {
	if command -v update-rc.d >/dev/null; then
		update-rc.d smf-spf remove
	elif command -v chkconfig >/dev/null; then
		chkconfig --del smf-spf
	elif command -v rc-update >/dev/null; then
		rc-update --quiet delete smf-spf
	fi
}

remove_config() {
	if cmp -s "$DESTDIR$config" "$DESTDIR$sample"; then
		rm -f "$DESTDIR$config"
	elif [ -e "$DESTDIR$config" ]; then
		say "$config was changed and is kept"
	fi
}

do_uninstall() {
	[ -e "$LIST" ] || fail "$LIST is missing: nothing was installed with this DESTDIR and PREFIX"
	if [ -z "$DESTDIR" ]; then
		stop_daemon
		if was_made "file /etc/init.d/smf-spf"; then forget_boot >/dev/null 2>&1 || true; fi
		rm -f "$RUNDIR/smf-spf.pid" "$RUNDIR/smf-spf.sock" "$RUNDIR.started"
		rm -f "$STATEDIR/cache" "$STATEDIR/cache.new" "$STATEDIR/cache.bad"
	fi
	if was_made "config $config"; then remove_config; fi
	echo "$made" | while read -r kind path; do
		if [ "$kind" = file ]; then rm -f "$DESTDIR$path"; fi
	done
	if [ -z "$DESTDIR" ]; then
		remove_user
		if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
	fi
	rm -f "$LIST"
	# The inner ones first; a directory that holds other files stays.
	echo "$made" | sort -r | while read -r kind path; do
		if [ "$kind" = directory ]; then rmdir "$DESTDIR$path" 2>/dev/null || true; fi
	done
}

STATEDIR=/var/lib/smfs
sample=$DATADIR/smf-spf.conf.sample
config=$CONFDIR/smf-spf.conf
case $task in
install) do_install ;;
uninstall) do_uninstall ;;
*)
	echo "usage: $0 install|uninstall" >&2
	exit 64
	;;
esac
