/**
 * The numbers of the milter protocol under the names libmilter gives them (mfdef.h, mfapi.h), and our limits.
 * Commands and responses are one octet, the letter in the comment.
 */

/** The version this filter speaks. An MTA of an older version gets its own version back. */
export const SMFI_PROT_VERSION = 6;
/** The oldest version understood: Sendmail 8.11. */
export const SMFI_PROT_VERSION_MIN = 2;

// SMFIC_: what an MTA sends.
export const SMFIC_ABORT = 0x41; // A
export const SMFIC_BODY = 0x42; // B
export const SMFIC_CONNECT = 0x43; // C
export const SMFIC_MACRO = 0x44; // D
export const SMFIC_BODYEOB = 0x45; // E
export const SMFIC_HELO = 0x48; // H
export const SMFIC_QUIT_NC = 0x4b; // K
export const SMFIC_HEADER = 0x4c; // L
export const SMFIC_MAIL = 0x4d; // M
export const SMFIC_EOH = 0x4e; // N
export const SMFIC_OPTNEG = 0x4f; // O
export const SMFIC_QUIT = 0x51; // Q
export const SMFIC_RCPT = 0x52; // R
export const SMFIC_DATA = 0x54; // T, since version 4
export const SMFIC_UNKNOWN = 0x55; // U, since version 3

// SMFIR_: what a filter sends. Verdicts first, then edits, which are allowed at end of message only.
export const SMFIR_ACCEPT = 0x61; // a
export const SMFIR_CONTINUE = 0x63; // c
export const SMFIR_DISCARD = 0x64; // d
export const SMFIR_REJECT = 0x72; // r
export const SMFIR_SKIP = 0x73; // s
export const SMFIR_TEMPFAIL = 0x74; // t
export const SMFIR_REPLYCODE = 0x79; // y
export const SMFIR_PROGRESS = 0x70; // p
export const SMFIR_CONN_FAIL = 0x66; // f
export const SMFIR_SHUTDOWN = 0x34; // 4
export const SMFIR_ADDHEADER = 0x68; // h
export const SMFIR_INSHEADER = 0x69; // i
export const SMFIR_CHGHEADER = 0x6d; // m
export const SMFIR_ADDRCPT = 0x2b; // +
export const SMFIR_ADDRCPT_PAR = 0x32; // 2
export const SMFIR_DELRCPT = 0x2d; // -
export const SMFIR_CHGFROM = 0x65; // e
export const SMFIR_REPLBODY = 0x62; // b
export const SMFIR_QUARANTINE = 0x71; // q

// SMFIF_: actions, what a filter may do to a message.
export const SMFIF_ADDHDRS = 0x1;
export const SMFIF_CHGBODY = 0x2;
export const SMFIF_ADDRCPT = 0x4;
export const SMFIF_DELRCPT = 0x8;
export const SMFIF_CHGHDRS = 0x10;
export const SMFIF_QUARANTINE = 0x20;
export const SMFIF_CHGFROM = 0x40;
export const SMFIF_ADDRCPT_PAR = 0x80;
export const SMFIF_SETSYMLIST = 0x100;

// SMFIP_: protocol options. NO…: the command is not sent. NR_…: it is sent, and no reply is waited for.
export const SMFIP_NOCONNECT = 0x1;
export const SMFIP_NOHELO = 0x2;
export const SMFIP_NOMAIL = 0x4;
export const SMFIP_NORCPT = 0x8;
export const SMFIP_NOBODY = 0x10;
export const SMFIP_NOHDRS = 0x20;
export const SMFIP_NOEOH = 0x40;
export const SMFIP_NR_HDR = 0x80;
export const SMFIP_NOUNKNOWN = 0x100;
export const SMFIP_NODATA = 0x200;
export const SMFIP_SKIP = 0x400;
export const SMFIP_RCPT_REJ = 0x800;
export const SMFIP_NR_CONN = 0x1000;
export const SMFIP_NR_HELO = 0x2000;
export const SMFIP_NR_MAIL = 0x4000;
export const SMFIP_NR_RCPT = 0x8000;
export const SMFIP_NR_DATA = 0x10000;
export const SMFIP_NR_UNKN = 0x20000;
export const SMFIP_NR_EOH = 0x40000;
export const SMFIP_NR_BODY = 0x80000;
export const SMFIP_HDR_LEADSPC = 0x100000;

// SMFIM_: the stages of macro lists in a negotiation.
export const SMFIM_CONNECT = 0;
export const SMFIM_HELO = 1;
export const SMFIM_ENVFROM = 2;
export const SMFIM_ENVRCPT = 3;
export const SMFIM_DATA = 4;
export const SMFIM_EOM = 5;
export const SMFIM_EOH = 6;

/** Longest packet read, command octet included. MTAs send at most 65,535 octets of body or so in one. */
export const PACKET_OCTETS_MAX = 1_048_576;
/** Longest set of macros kept for one stage, in octets. Real ones are a few hundred. */
export const MACRO_OCTETS_MAX = 65_536;
/** Most arguments of one MAIL or RCPT: the path and its ESMTP parameters. */
export const ARGUMENTS_MAX = 1_000;
/** Octets that may wait for an outstanding answer before the session asks for a pause. */
export const BACKLOG_PAUSE_OCTETS = 65_536;
/** Octets that may wait for an outstanding answer at all. A pause stops well before. */
export const BACKLOG_OCTETS_MAX = 2 * PACKET_OCTETS_MAX;
/** What a command of which a handler may keep everything takes on top of twice its octets. */
export const KEPT_COMMAND_OCTETS = 512;
/** Octets of replies gathered before they are written, where one chunk brings very many commands. */
export const REPLY_BATCH_OCTETS = 65_536;
/** Longest line of an SMTP reply with its CR LF: under the 512 octets of RFC 5321 section 4.5.3.1.5. */
export const REPLY_LINE_OCTETS_MAX = 511;
/** Most lines of one SMTP reply, as in libmilter. */
export const REPLY_LINES_MAX = 32;
