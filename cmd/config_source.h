// Where a Config comes from: the files, the environment and the command line of this process, kept so
// that SIGHUP can read them again.
//
// Thread: a value; reload() may be called from any one thread at a time.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cmd/config.h"
#include "cmd/config_env.h"

namespace wgr {

// One flag of the command line that stands for a configuration key.
struct Override {
  std::string path;    // "wireguard.listen_port"
  std::string value;   // lists: comma separated
  std::string origin;  // "--listen-port"
};

class ConfigSource {
 public:
  struct Places {
    std::string config_file;     // YAML; empty: none
    std::string wg_config_file;  // WireGuard .conf; empty: none
    Environment environment;
    std::vector<Override> overrides;
    std::vector<std::string> meaningless_flags;  // accepted: "--flag: why there is none here"
    std::string resolv_conf = "/etc/resolv.conf";
  };

  ConfigSource() = default;
  explicit ConfigSource(Places places) : places_(std::move(places)) {}

  // Reads and checks everything; touches nothing. Throws ConfigError with every problem found. Without
  // a key and a peer the result has no private key: load() would take them from the state folder.
  Config check() const;
  // check(), and where nobody configured a key or a peer, the state folder's (made if need be).
  Config load() const;
  // The same again, for SIGHUP. What only a start does is refused or left as it is: a router that was
  // configured gets no key and client of a first start, one that was not keeps them, and network.ipv6 stays.
  Config reload(const Config& running) const;

 private:
  Config read(const Config* running) const;

  Places places_;
};

}  // namespace wgr
