#include "cmd/client_conf.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "wireguard/crypto.h"
#include "wireguard/endpoint_name.h"
#include "wireguard/key_text.h"

namespace wgr {
namespace {

// The address after `ip`, or the one before where that is the last of its network.
IpAddress neighbour(const InterfaceAddress& address) {
  const Bytes bytes = address.ip.bytes();
  std::array<std::uint8_t, 16> next{};
  std::copy(bytes.begin(), bytes.end(), next.begin());
  std::uint8_t& last = next[bytes.size() - 1];
  last = static_cast<std::uint8_t>(last >= 254 ? last - 1 : last + 1);
  return IpAddress::from_bytes(Bytes{next}.first(bytes.size()));
}

std::string join(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ", ") + item;
  return text;
}

// A connected UDP socket knows its own address without sending anything.
template <typename Address>
std::optional<IpAddress> address_towards(const Address& remote) {
  const int fd = ::socket(reinterpret_cast<const sockaddr&>(remote).sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::nullopt;
  Address local{};
  socklen_t length = sizeof local;
  const bool is_known = ::connect(fd, reinterpret_cast<const sockaddr*>(&remote), sizeof remote) == 0 &&
                        ::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &length) == 0;
  ::close(fd);
  if (!is_known) return std::nullopt;
  if constexpr (std::is_same_v<Address, sockaddr_in>) {
    return IpAddress::v4(ntohl(local.sin_addr.s_addr));
  } else {
    return IpAddress::from_bytes(Bytes{local.sin6_addr.s6_addr, 16});
  }
}

// host:port as the client must dial it; empty when the port is not known yet.
std::string client_endpoint(const Config& config) {
  const std::string& configured = config.wireguard.public_endpoint;
  if (wireguard::parse_endpoint_name(configured)) return configured;
  if (config.wireguard.listen_port == 0) return {};
  const std::string host = configured.empty() ? main_address().to_string() : configured;
  return wireguard::to_string(wireguard::EndpointName{host, config.wireguard.listen_port});
}

}  // namespace

std::vector<Prefix> client_addresses(const Config& config) {
  std::vector<Prefix> prefixes;
  for (const Family family : {Family::kV4, Family::kV6}) {
    const auto& addresses = config.network.addresses;
    const auto found =
        std::find_if(addresses.begin(), addresses.end(),
                     [family](const InterfaceAddress& address) { return address.ip.family() == family; });
    if (found != addresses.end()) prefixes.emplace_back(neighbour(*found), found->ip.bit_length());
  }
  if (prefixes.empty()) {
    throw ConfigError{
        {"network.addresses: the first client needs an address beside the router's; expected one "
         "like 10.86.0.1/24, or a key and peers"}};
  }
  return prefixes;
}

std::string print_client_conf(const Config& config, const wireguard::PrivateKey& client,
                              const wireguard::PeerConfig& peer) {
  std::vector<std::string> addresses, resolvers, routes;
  for (const Prefix& prefix : peer.allowed_ips) {
    addresses.push_back(prefix.to_string());
    routes.emplace_back(prefix.family() == Family::kV4 ? "0.0.0.0/0" : "::/0");
  }
  for (const InterfaceAddress& address : config.network.addresses)
    resolvers.push_back(address.ip.to_string());
  const std::string endpoint = client_endpoint(config);
  std::string text = "[Interface]\nPrivateKey = " + wireguard::secret_to_base64(client);
  text += "\nAddress = " + join(addresses);
  if (!config.slirp.dns.upstreams.empty()) text += "\nDNS = " + join(resolvers);
  text += "\nMTU = " + std::to_string(config.slirp.mtu);
  text += "\n\n[Peer]\nPublicKey = " +
          wireguard::to_base64(wireguard::public_key_of(config.wireguard.device.private_key));
  if (peer.preshared_key) text += "\nPresharedKey = " + wireguard::secret_to_base64(*peer.preshared_key);
  text += "\nAllowedIPs = " + join(routes);
  text += endpoint.empty() ? "\n# Endpoint = the router's address and the port it logs at start"
                           : "\nEndpoint = " + endpoint;
  text += "\nPersistentKeepalive = 25\n";
  return text;
}

IpAddress main_address() {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(53);
  v4.sin_addr.s_addr = htonl(0x01010101);
  if (const auto address = address_towards(v4)) return *address;
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(53);
  constexpr std::uint8_t kSomewhere[16] = {0x26, 0x06, 0x47, 0, 0x47, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11, 0x11};
  std::copy(std::begin(kSomewhere), std::end(kSomewhere), v6.sin6_addr.s6_addr);
  return address_towards(v6).value_or(IpAddress::v4(127, 0, 0, 1));
}

}  // namespace wgr
