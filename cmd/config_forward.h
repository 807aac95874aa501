// The forwards of a configuration, and whose TCP and UDP ports of the host are whose.
//
// Thread: confined to the caller's.
#pragma once

#include <string_view>

#include "cmd/config_setting.h"

namespace wgr {

class ConfigDraft;
struct Origin;

// The key, which takes a list of entries in the file, and elsewhere one of texts.
inline constexpr std::string_view kForwardsPath = "forwards";

// "tcp:8080=box:80", "udp:192.0.2.1:53=[fd86::2]:53", "8000-8010=web": protocol, listen=to. Replaces the
// forwards of the sources below.
void read_forward_texts(const Texts& texts, const Origin& origin, ConfigDraft& draft);

// The guest's port, where it was left out.
void derive_forwards(ConfigDraft& draft);

// Ports that two want, ranges beyond 65535, a PROXY header for UDP. REQUIRES: derive_listeners() was called.
void check_forwards(ConfigDraft& draft);

}  // namespace wgr
