// Who answers plain HTTP requests that a route names (DNS over HTTPS, metrics, health).
//
// Thread: all calls on the thread of the server that received the request.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/address.h"
#include "core/bytes.h"
#include "core/time.h"
#include "ws/config.h"

namespace wgr::ws {

struct HttpRequest {
  std::string method;                                        // as received: "GET"
  std::string path;                                          // without the query
  std::string query;                                         // after '?', not decoded
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;

  // The first of that name; empty: absent. `name` in lower case.
  std::string_view header(std::string_view name) const noexcept;
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

// Names a request until it is answered; a stale one finds nobody.
using RequestId = std::uint64_t;

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  // Answer at once or later by Server::respond(id, ...); the request is a copy to keep. The server
  // answers 504 itself when nothing came within the handshake time-out.
  virtual void request_received(RequestId id, Service service, const SocketAddress& source,
                                const HttpRequest& request, Instant now) = 0;
};

}  // namespace wgr::ws
