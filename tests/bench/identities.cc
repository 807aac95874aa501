#include "tests/bench/identities.h"

#include "core/rng.h"
#include "wireguard/key_text.h"

namespace wgr::bench {

wireguard::PrivateKey private_key_of(std::uint32_t identity) {
  Rng rng(0x62656e6368 + std::uint64_t{identity});
  wireguard::PrivateKey key;
  for (std::size_t i = 0; i < key.size(); ++i) key.data()[i] = static_cast<std::uint8_t>(rng.next());
  wireguard::clamp(key);
  return key;
}

IpAddress inner_address_of(std::uint32_t identity) { return IpAddress::v4(0x0a630000u + identity); }

IpAddress outer_address_of(std::uint32_t identity) { return IpAddress::v4(0x7f400000u + identity); }

std::string router_conf(std::uint16_t listen_port, std::uint32_t peers) {
  std::string text =
      "[Interface]\nPrivateKey = " + wireguard::secret_to_base64(private_key_of(kRouterIdentity)) +
      "\nListenPort = " + std::to_string(listen_port) +
      "\nAddress = " + inner_address_of(kRouterIdentity).to_string() + "/16\nMTU = 1420\n";
  for (std::uint32_t peer = 1; peer <= peers; ++peer) {
    text += "\n[Peer]\nPublicKey = " + wireguard::to_base64(wireguard::public_key_of(private_key_of(peer))) +
            "\nAllowedIPs = " + inner_address_of(peer).to_string() + "/32\n";
  }
  return text;
}

}  // namespace wgr::bench
