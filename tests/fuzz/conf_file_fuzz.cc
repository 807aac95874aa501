// The .conf reader on any text: what it accepts has bounds that hold.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wireguard/conf_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wgr::wireguard;
  if (size > 64 * 1024) return 0;
  const ConfFile file = parse_conf_file({reinterpret_cast<const char*>(data), size});
  if (file.mtu && *file.mtu < 576) std::abort();
  for (const ConfFile::Remark& problem : file.problems) {
    if (problem.line == 0 || problem.text.find('\n') != std::string::npos) std::abort();
  }
  for (const ConfFile::Peer& peer : file.peers) {
    if (file.problems.empty() && peer.config.public_key == PublicKey{}) std::abort();
    if (peer.config.persistent_keepalive > std::chrono::seconds{65535}) std::abort();
    if (peer.config.endpoint && (peer.config.endpoint->port == 0 || peer.config.endpoint->host.empty()))
      std::abort();
  }
  return 0;
}
