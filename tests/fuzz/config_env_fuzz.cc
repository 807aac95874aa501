// The environment reader on any lines of NAME=VALUE, and WG_PEERS on any value: the first byte chooses.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "cmd/config_draft.h"
#include "cmd/config_env.h"

namespace wgr {
namespace {

Environment lines_of(std::string_view text) {
  Environment environment;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::size_t equals = line.find('=');
    if (equals != std::string_view::npos)
      environment.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return environment;
}

}  // namespace
}  // namespace wgr

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wgr;
  if (size == 0 || size > 16 * 1024) return 0;
  const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
  const bool is_peers = data[0] % 2 == 0;
  const Environment environment = is_peers ? Environment{{"WG_PEERS", std::string{text}}} : lines_of(text);
  ConfigDraft draft;
  read_env_config(environment, draft);
  for (const std::string& problem : draft.problems()) {
    if (problem.find('\n') != std::string::npos) std::abort();
  }
  // A peer that came through has a key that is one.
  for (const PeerEntry& entry : draft.config.wireguard.peers) {
    if (draft.problems().empty() && entry.peer.public_key == wireguard::PublicKey{}) std::abort();
  }
  return 0;
}
