// Who is behind a session, as far as the server can tell: a machine that comes back on another session must
// be that one's to go on with its flows.
//
// A MAC address says nothing about it, since all machines restored from one state image have the same.
// Whoever shares a token, or without tokens an address, is one owner here: each who must not be another's
// needs a token of its own.
//
// Thread: a value.
#pragma once

#include <string>

#include "core/address.h"

namespace wgr::slirp::lan {

struct SessionOwner {
  IpAddress source;   // of the client
  std::string token;  // the name of the one it showed; empty: none

  bool has_source_of(const SessionOwner& other) const { return source_of(source) == source_of(other.source); }
  bool is_same_as(const SessionOwner& other) const {
    return token == other.token && (!token.empty() || has_source_of(other));
  }
};

}  // namespace wgr::slirp::lan
