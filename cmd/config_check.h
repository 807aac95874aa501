// What no single key can tell: secrets that live in files, values that follow from others, and keys that
// contradict each other.
//
// Thread: confined to the caller's; reads key files and resolv.conf.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cmd/config_env.h"
#include "core/address.h"

namespace wgr {

class ConfigDraft;

// Reads private_key_file and preshared_key_file. Where no key is configured, systemd's
// $CREDENTIALS_DIRECTORY/WG_PRIVATE_KEY serves.
void read_key_files(const Environment& environment, ConfigDraft& draft);

// Fills what follows from other keys: workers, own addresses, DNS upstreams, the refusal of IPv6.
void derive_values(const std::string& resolv_conf, ConfigDraft& draft);

// Duplicate keys and prefixes, limits that exclude each other, a key that is missing.
void check_values(ConfigDraft& draft);

// The resolvers of a resolv.conf; the local one when it names none (resolv.conf(5)).
std::vector<SocketAddress> parse_resolv_conf(std::string_view text);

}  // namespace wgr
