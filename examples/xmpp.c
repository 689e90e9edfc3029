#define XMPP_IMPLEMENTATION
#include "xmpp.h"
