// The environment as configuration: every variable of the wgslirp README, WG_PEERS in both its forms,
// tapws's HOST, PORT, WITH_SSL and SSL_*, and WGROUTER_<SECTION>_<KEY> for every key of the file but those
// of lists of entries.
//
// Thread: pure functions over a snapshot; read_environment() is called once, before threads start.
#pragma once

#include <functional>
#include <map>
#include <string>

namespace wgr {

// A snapshot; values are secret (WG_PRIVATE_KEY may be among them). An empty value counts as unset.
using Environment = std::map<std::string, std::string, std::less<>>;

Environment read_environment();

class ConfigDraft;
// Every problem goes into the draft.
void read_env_config(const Environment& environment, ConfigDraft& draft);

}  // namespace wgr
