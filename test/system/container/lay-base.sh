#!/bin/sh
# lay-base.sh DIRECTORY run|build: a base image of this machine's node, for where no registry of images can be reached.
# For the build there are a shell and npm too.
set -eu
root=$1
lay() {
	for file in "$@"; do
		mkdir -p "$root$(dirname "$file")"
		cp -L "$file" "$root$file"
		for library in $(ldd "$file" 2>/dev/null | grep -o '/[^ ]*'); do
			mkdir -p "$root$(dirname "$library")"
			[ -e "$root$library" ] || cp -L "$library" "$root$library"
		done
	done
}
mkdir -p "$root/bin" "$root/usr/bin" "$root/usr/lib/node_modules" "$root/tmp" "$root/etc/ssl/certs" "$root/dev" "$root/proc"
cp -L "$(command -v node)" "$root/usr/bin/node"
for library in $(ldd "$(command -v node)" | grep -o '/[^ ]*'); do lay "$library"; done
if [ "$2" = build ]; then
	lay /bin/sh /bin/mkdir /usr/bin/env
	for name in libnss_dns.so.2 libnss_files.so.2; do
		for library in /lib/*-linux-gnu/"$name"; do [ ! -e "$library" ] || lay "$library"; done
	done
	npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
	cp -a "$npm" "$root/usr/lib/node_modules/npm"
	ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/bin/npm"
	cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
fi
