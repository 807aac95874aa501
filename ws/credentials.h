// The secrets a request shows, wherever its client can put one: a page cannot set headers, a native client
// should not put secrets into addresses.
//
//   first segment of the path      wss://host/SECRET/ethernet     the rest is the path that is routed
//   query                          wss://host/ethernet?token=SECRET
//   offered subprotocol            bearer.SECRET
//   Authorization                  Bearer SECRET, or Basic with SECRET as the password
//
// Every candidate is compared with every token in constant time, whether an earlier one matched or not.
//
// Thread: pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ws/config.h"
#include "ws/http_handler.h"

namespace wgr::ws {

inline constexpr std::string_view kBearerSubprotocol = "bearer.";

struct Credentials {
  const Token* token = nullptr;  // that was shown; null: none
  std::string path;              // what is routed: without the token
};

// `subprotocols`: as offered. The result points into `tokens`.
Credentials find_credentials(const HttpRequest& request, std::span<const std::string> subprotocols,
                             std::span<const Token> tokens);

}  // namespace wgr::ws
