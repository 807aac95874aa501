#include "tests/bench/make_link.h"

#include "tests/bench/identities.h"
#include "tests/bench/websocket_link.h"

namespace wgr::bench {
namespace {

constexpr std::uint32_t kGuest = 1;

TunnelClient::Options tunnel_options(const Settings& settings) {
  TunnelClient::Options options;
  options.router = {IpAddress::v4(127, 0, 0, 1), settings.router_port};
  options.inner = inner_address_of(kGuest);
  options.router_key = wireguard::public_key_of(private_key_of(kRouterIdentity));
  options.private_key = private_key_of(kGuest);
  options.offloads = settings.offloads;
  return options;
}

WebSocketClient::Options websocket_options(const Settings& settings, const char* path) {
  WebSocketClient::Options options;
  options.port = settings.router_port;
  options.path = path;
  options.tls = client_context(settings.security);
  return options;
}

}  // namespace

std::unique_ptr<GuestLink> make_link(const Settings& settings) {
  switch (settings.ingress) {
    case Ingress::kUdp:
      return std::make_unique<TunnelClient>(tunnel_options(settings));
    case Ingress::kEthernet:
      return std::make_unique<EthernetLink>(websocket_options(settings, "/"), kGuest);
    case Ingress::kWireGuard:
      return std::make_unique<WireGuardLink>(websocket_options(settings, "/wg"), kGuest);
  }
  return nullptr;
}

}  // namespace wgr::bench
