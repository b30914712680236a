#!/bin/sh
# `make dist`: dist/smf-spf-VERSION.tar.gz, the sources with the built programs, so that `make install` from it
# needs no npm; and, where Debian's tools are, dist/smf-spf_VERSION_all.deb and the source package: the tarball under
# Debian's name, dist/smf-spf_VERSION-REVISION.debian.tar.xz and .dsc.
# The argument names another directory than dist for them; with "deb" after it only the package is made: so does
# debian/rules, which gives its version in DEB_VERSION. All files get the time of the last commit, or of
# SOURCE_DATE_EPOCH. DEBFULLNAME and DEBEMAIL name the maintainer of the package.
set -eu
umask 022

out=${1:-dist}
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)
# Before every revision of Debian's own.
revision=1~upstream1
deb_version=${DEB_VERSION:-$version}
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
# An address that can never be anybody's: whoever passes the package on puts in their own.
maintainer="${DEBFULLNAME:-smf-spf maintainers} <${DEBEMAIL:-maintainers@smf-spf.invalid}>"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The files under version control; in an unpacked tarball, all but what is built and fetched.
sources() {
	if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
		git ls-files
	else
		find . -type f ! -path './dist/*' ! -path './node_modules/*' ! -path './.cache/*' ! -path './coverage/*'
	fi
}

make_tarball() {
	directory=$work/smf-spf-$version
	mkdir "$directory"
	{
		sources
		printf '%s\n' dist/smf-spf.js dist/spfquery.js dist/spfreport.js dist/shared-cache.cjs dist/status.cjs dist/package.json dist/LICENSES
		find dist/completions -type f
	} >"$work/files"
	tar -cf - -T "$work/files" | tar -xf - -C "$directory"
	# rpmbuild -ta reads it, with the version.
	fill init/smf-spf.spec >"$directory/init/smf-spf.spec"
	# One time for all: the programs are not older than the sources, so make does not build them again.
	tar --sort=name --format=ustar --owner=0 --group=0 --numeric-owner --mode=u+rw,go=rX --mtime="@$epoch" \
		-cf - -C "$work" "smf-spf-$version" | gzip -9n >"$1"
}

# One file's text with the version written in.
fill() {
	sed -e "s|@VERSION@|$version|g" -e "s|@SIZE@|${size:-0}|g" -e "s|@MAINTAINER@|$maintainer|g" "$1"
}

# The tree of the package, made by the same script as everybody's installation.
fill_package_tree() {
	for init in systemd sysv; do
		NODE=node TARGET_NODE=/usr/bin/node DESTDIR=$tree PREFIX=/usr SBINDIR=/usr/sbin BINDIR=/usr/bin \
			MANDIR=/usr/share/man SHAREDIR=/usr/share DATADIR=/usr/share/smf-spf DOCDIR=/usr/share/doc/smf-spf CONFDIR=/etc/mail/smfs RUNDIR=/var/run/smfs \
			UNITDIR=/usr/lib/systemd/system SMFS_USER=smfs INIT=$init sh init/install.sh install >/dev/null
	done
	doc=$tree/usr/share/doc/smf-spf
	mkdir -p "$doc/examples"
	mv "$tree/usr/share/smf-spf/smf-spf.logrotate" "$tree/usr/share/smf-spf/smf-spf.conf.sample" \
		"$tree/usr/share/smf-spf/spfreport.cron" "$tree/usr/share/smf-spf/logwatch" "$doc/examples"
	rm "$tree/usr/share/smf-spf/LICENSE" "$tree/usr/share/smf-spf/LICENSES" "$tree/usr/share/smf-spf/installed"
	# Other packages have a program of that name too; Debian's alternatives choose.
	mv "$tree/usr/bin/spfquery" "$tree/usr/bin/spfquery.smf-spf"
	mv "$tree/usr/share/man/man1/spfquery.1" "$tree/usr/share/man/man1/spfquery.smf-spf.1"
	# Debian's zsh reads the functions of packages here.
	mv "$tree/usr/share/zsh/site-functions" "$tree/usr/share/zsh/vendor-completions"
	gzip -9n "$tree"/usr/share/man/man?/*
	# Debian has the licence in copyright, and packs the changelog.
	rm "$doc/LICENSE"
	gzip -9n "$doc/CHANGELOG.md"
	find "$doc" -name '*.md' -exec sed -i -e 's|](LICENSE)|](copyright)|g' -e 's|CHANGELOG\.md)|CHANGELOG.md.gz)|g' {} +
	case $deb_version in
	*-*)
		make_changelog "$deb_version" | gzip -9n >"$doc/changelog.Debian.gz"
		mv "$doc/CHANGELOG.md.gz" "$doc/changelog.gz"
		find "$doc" -name '*.md' -exec sed -i 's|CHANGELOG\.md\.gz)|changelog.gz)|g' {} +
		;;
	*) make_changelog "$deb_version" | gzip -9n >"$doc/changelog.gz" ;;
	esac
	make_copyright >"$doc/copyright"
}

# The form that Debian's tools read.
make_changelog() {
	printf 'smf-spf (%s) unstable; urgency=medium\n\n' "$1"
	printf '  * The changes are told in CHANGELOG.md.gz.\n\n'
	printf ' -- %s  %s\n' "$maintainer" "$(LC_ALL=C date -u -R -d "@$epoch")"
}

# Our licence, and those of the libraries that are bundled in, as a text of Debian's form.
make_copyright() {
	cat init/debian/copyright
	indent LICENSE
	printf '\nFiles: usr/sbin/smf-spf usr/share/smf-spf/shared-cache.cjs usr/share/smf-spf/status.cjs usr/bin/spfquery.smf-spf usr/bin/spfreport\nCopyright: their authors, as named below\n'
	printf 'License: of-libraries\n The programs hold libraries that come under these licences.\n .\n'
	libraries | indent
}

# Debian has the Apache licence once, and wants it referred to.
libraries() {
	awk '/^ *Apache License$/ { print " On Debian systems the Apache License 2.0 is in /usr/share/common-licenses/Apache-2.0."; skip = 1 }
		skip && /^-----/ { skip = 0 }
		!skip' dist/LICENSES
}

indent() {
	sed -e 's/[[:space:]]*$//' -e 's/^$/./' -e 's/^/ /' "$@"
}

make_deb() {
	tree=$work/deb
	mkdir "$tree"
	fill_package_tree
	size=$(du -sk --apparent-size "$tree" | cut -f 1)
	mkdir "$tree/DEBIAN"
	(cd "$tree" && find . -type f ! -path './DEBIAN/*' ! -path './etc/*' -printf '%P\n' | LC_ALL=C sort | xargs md5sum) >"$work/md5sums"
	mv "$work/md5sums" "$tree/DEBIAN"
	version=$deb_version fill init/debian/control >"$tree/DEBIAN/control"
	(cd "$tree" && find etc -type f -printf '/%p\n' | LC_ALL=C sort) >"$tree/DEBIAN/conffiles"
	for script in postinst prerm postrm; do
		fill "init/debian/$script" >"$tree/DEBIAN/$script"
		chmod 755 "$tree/DEBIAN/$script"
	done
	SOURCE_DATE_EPOCH=$epoch dpkg-deb --root-owner-group -Zxz --build "$tree" "$1" >/dev/null
}

# debian/ beside the tarball: the source package as Debian has it (deb-src-control(5), dsc(5)).
make_source() {
	source=$work/source/smf-spf-$version
	mkdir -p "$work/source"
	tar -xzf "$out/smf-spf-$version.tar.gz" -C "$work/source"
	cp "$out/smf-spf-$version.tar.gz" "$work/source/smf-spf_$version.orig.tar.gz"
	mkdir -p "$source/debian/source"
	cp -R init/debian/source/rules init/debian/source/README.source init/debian/source/watch \
		init/debian/source/tests "$source/debian/"
	cp init/debian/source/lintian-overrides "$source/debian/source/"
	echo '3.0 (quilt)' >"$source/debian/source/format"
	make_changelog "$version-$revision" >"$source/debian/changelog"
	make_source_copyright >"$source/debian/copyright"
	{
		fill init/debian/source/control
		# The rest is that of the package: what dpkg-gencontrol would add is left out.
		sed -n '/^Architecture:/,$p' init/debian/control | sed -e '/^Maintainer:/d' -e '/^Installed-Size:/d' \
			-e '/^Section:/d' -e '/^Priority:/d'
	} >"$source/debian/control"
	(cd "$work/source" && SOURCE_DATE_EPOCH=$epoch dpkg-source -b "smf-spf-$version" >/dev/null)
	for file in "$work/source/smf-spf_$version"*; do
		[ ! -f "$file" ] || mv "$file" "$out/"
	done
}

make_source_copyright() {
	cat init/debian/copyright
	indent LICENSE
	printf '\nFiles: dist/*.js dist/*.cjs\nCopyright: the smf-spf authors and those of the libraries, as named below\n'
	printf 'License: of-libraries\n The programs hold libraries that come under these licences.\n .\n'
	libraries | indent
}

if [ "${2:-}" = deb ]; then
	make_deb "$out/smf-spf_${deb_version}_all.deb"
	exit 0
fi
make_tarball "$out/smf-spf-$version.tar.gz"
echo "$out/smf-spf-$version.tar.gz"
if command -v dpkg-deb >/dev/null; then
	make_deb "$out/smf-spf_${version}_all.deb"
	echo "$out/smf-spf_${version}_all.deb"
	if command -v dpkg-source >/dev/null; then
		make_source
		echo "$out/smf-spf_$version-$revision.dsc"
	fi
else
	echo "dpkg-deb is missing, so no .deb is made" >&2
fi
