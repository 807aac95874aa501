// DNS over HTTPS (RFC 8484), the HTTP part: a request becomes a DNS message, a DNS message a response.
// Pages of other origins may ask: v86 resolves names from the page (CORS, Fetch standard 3.2).
//
// Thread: pure.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "core/bytes.h"
#include "ws/http_handler.h"

namespace wgr {

struct DnsQuestion {
  std::vector<std::uint8_t> message;
};

// A question, or the response to what is none: the preflight, a wrong method, type or encoding.
std::variant<DnsQuestion, ws::HttpResponse> read_dns_request(const ws::HttpRequest& request);
// An empty message: the question was no DNS query.
ws::HttpResponse dns_response(Bytes message);

}  // namespace wgr
