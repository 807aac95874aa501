// The limit of a WebSocket session: what its system calls, its accept key (RFC 6455 4.2.2) and with TLS its
// handshake cost, and nothing else: no gate, no parser, no deadlines.
#pragma once

#include "tests/bench/limit_parts.h"
#include "tests/bench/limit_tls.h"

namespace wgr::bench {

// A listening socket whose port is announced.
int listen_on_loopback();

// Serves until the standard input ends. `tls`: null for plain.
void serve_sessions(int listener, const LimitTlsContext* tls, Account& account);

}  // namespace wgr::bench
