// A WireGuard .conf file in place of the wireguard part of the configuration: its key, port, peers, and
// its addresses, MTU and resolvers.
//
// Thread: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace wgr {

class ConfigDraft;

// `name` stands in messages for the file.
void read_conf_config(std::string_view text, const std::string& name, ConfigDraft& draft);

}  // namespace wgr
