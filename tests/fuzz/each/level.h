/* level.h - the library as a part of one object of several that are linked together, one for each LEVEL.  SPDX: MIT
   LEVEL 0, 1, 2: XMPP_CFG_FAST; 3: 2 without vector instructions. */
#define XMPP_CFG_FAST (LEVEL > 2 ? 2 : LEVEL)
#define XMPP_CFG_SIMD (LEVEL == 2)
#ifndef __SSE2__
#undef XMPP_CFG_SIMD
#endif

#define LEVEL_NAME3(name, level) name##_##level
#define LEVEL_NAME2(name, level) LEVEL_NAME3(name, level)
#define LEVEL_NAME(name) LEVEL_NAME2(name, LEVEL)

/* The constants of the library are no functions, so that XMPP_STATIC does not hide them. */
#define xmpp_sha1 LEVEL_NAME(xmpp_sha1)
#define xmpp_sha256 LEVEL_NAME(xmpp_sha256)
#define xmpp_sha512 LEVEL_NAME(xmpp_sha512)
#define xmpp_mech_scram_sha_512 LEVEL_NAME(xmpp_mech_scram_sha_512)
#define xmpp_mech_scram_sha_256 LEVEL_NAME(xmpp_mech_scram_sha_256)
#define xmpp_mech_scram_sha_1 LEVEL_NAME(xmpp_mech_scram_sha_1)
#define xmpp_mech_plain LEVEL_NAME(xmpp_mech_plain)
#define xmpp_mech_external LEVEL_NAME(xmpp_mech_external)
#define xmpp_mech_anonymous LEVEL_NAME(xmpp_mech_anonymous)
#define xmpp_mechs_all LEVEL_NAME(xmpp_mechs_all)
#define xmpp_default_config LEVEL_NAME(xmpp_default_config)
#define xmpp_stream_management LEVEL_NAME(xmpp_stream_management)
#define xmpp_extensions LEVEL_NAME(xmpp_extensions)
#define xmpp_ping_ext LEVEL_NAME(xmpp_ping_ext)
#define xmpp_version_ext LEVEL_NAME(xmpp_version_ext)
#define xmpp_disco_ext LEVEL_NAME(xmpp_disco_ext)
#define xmpp_roster_ext LEVEL_NAME(xmpp_roster_ext)

#define XMPP_STATIC
#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#include "xmpp.h"
#include "../fuzz.h"
