// The .conf format of wg(8) and wg-quick(8), as a value. Nothing in it is ever executed: PostUp and its
// kin are reported and left alone.
//
// Sections and keys are case-insensitive, white space inside a line does not count, '#' begins a comment.
// A comment `# friendly_name = NAME` inside [Peer] names the peer. AllowedIPs, Address and DNS may repeat.
//
// Thread: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.h"
#include "wireguard/config.h"

namespace wgr::wireguard {

struct ConfFile {
  // Something to tell about a line: a problem, or a key that has no effect here.
  struct Remark {
    std::size_t line = 0;  // from 1
    std::string key;       // as written in the manual: "AllowedIPs"; empty: the whole line
    std::string text;      // "\"70000\" is not one; expected a port, 0 to 65535"
  };

  struct Peer {
    std::size_t line = 0;  // of its [Peer]
    PeerConfig config;
    bool has_public_key = false;
  };

  struct Address {
    IpAddress ip;  // host bits kept
    unsigned length = 32;
  };

  std::optional<PrivateKey> private_key;
  std::optional<std::uint16_t> listen_port;
  std::optional<std::uint16_t> mtu;
  std::vector<Address> addresses;
  std::vector<IpAddress> dns;
  std::vector<Peer> peers;

  std::vector<Remark> problems;  // the file must not be used if there is one
  std::vector<Remark> notices;
};

// Never fails as a whole: every problem is in the result.
ConfFile parse_conf_file(std::string_view text);

}  // namespace wgr::wireguard
