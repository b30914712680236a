# As much of FreeBSD's ports framework as installs this port into a stage: the variables that its Makefile may use, with
# the values that the framework gives them, and what `make stage` does. PORTSDIR's own file is not here.
.for name in PORTNAME DISTVERSION CATEGORIES MAINTAINER COMMENT LICENSE LICENSE_FILE RUN_DEPENDS USERS GROUPS USE_RC_SUBR
.  if empty(${name})
.    error ${name} is not set
.  endif
.endfor

PREFIX?=	/usr/local
LOCALBASE?=	/usr/local
DATADIR?=	${PREFIX}/share/${PORTNAME}
DOCSDIR?=	${PREFIX}/share/doc/${PORTNAME}
WRKSRC?=	${WRKDIR}/${PORTNAME}-${DISTVERSION}
SETENV?=	/usr/bin/env
SH?=		/bin/sh
RM?=		/bin/rm -f
MV?=		/bin/mv
MKDIR?=		/bin/mkdir -p

stage: extract do-install rc-subr compress-man

extract:
	${MKDIR} ${WRKDIR} && tar -xzf ${DISTFILE} -C ${WRKDIR}
	test -e ${LICENSE_FILE}

rc-subr:
	${MKDIR} ${STAGEDIR}${PREFIX}/etc/rc.d
.for script in ${USE_RC_SUBR}
	sed -e 's|%%PREFIX%%|${PREFIX}|g' -e 's|%%LOCALBASE%%|${LOCALBASE}|g' files/${script}.in \
		>${STAGEDIR}${PREFIX}/etc/rc.d/${script}
.endfor

compress-man:
	find ${STAGEDIR}${PREFIX}/share/man -type f -exec gzip -9n {} +
