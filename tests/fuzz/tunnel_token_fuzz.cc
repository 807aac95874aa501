// Any bytes as the subprotocol, and as the claims, of a wstunnel client. What was understood is a host and a
// protocol of bounded size.
#include <cstdlib>
#include <string>

#include "core/base64.h"
#include "ws/wireguard/tunnel_token.h"

namespace wgr::ws::wireguard {
namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

void check(std::string_view subprotocol) {
  const auto request = parse_tunnel_token(subprotocol);
  if (!request) return;
  require(!request->host.empty() && request->host.size() <= 255);
  require(request->protocol.size() <= kMaxTunnelToken);
}

}  // namespace
}  // namespace wgr::ws::wireguard

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wgr::ws::wireguard;
  check({reinterpret_cast<const char*>(data), size});
  check("authorization.bearer.e30." + wgr::to_base64url({data, size}) + ".");
  return 0;
}
