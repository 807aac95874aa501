// The configuration file: YAML with the sections of cmd/config_setting.h, the lists
// wireguard.peers, listeners and forwards, and the map lan.networks.
// An unknown key, a key given twice and a second document are problems, not silence.
//
// Thread: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "cmd/config.h"

namespace wgr {

class ConfigDraft;

// Reads `text` into the draft; `name` stands in messages for the file: "name:line: key: problem".
void read_yaml_config(std::string_view text, const std::string& name, ConfigDraft& draft);

// The whole configuration as a file that reads back to the same value, secrets as "(redacted)".
std::string print_yaml_config(const Config& config);

}  // namespace wgr
