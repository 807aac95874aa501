// The first start: where nobody configured a key or a peer, the router makes a key and one client, keeps
// them in its state folder, and goes on using them.
//
//   state folder (0700)     server.key  client.key  client.psk  client.conf     (each 0600)
//
// A key file appears whole or not at all (written aside, synced, renamed) and is never overwritten. A start
// that finds everything there writes nothing.
//
// Thread: any; these calls block, so never on a worker.
#pragma once

#include <string>

#include "cmd/config.h"
#include "cmd/config_env.h"

namespace wgr {

bool needs_state_folder(const Config& config);

// state.folder, $STATE_DIRECTORY, /var/lib/wgrouter (root), $XDG_STATE_HOME/wgrouter or
// ~/.local/state/wgrouter. Throws ConfigError when none of them is known.
std::string choose_state_folder(const Environment& environment, const Config& config);

// Opens or makes the folder, adds its key and client to `config`, and fills config.first_start.
// Throws ConfigError with a sentence that names the file. What does not stop a start is a notice: a folder
// whose mode cannot be changed, a client.conf that cannot be written.
void use_state_folder(const Environment& environment, Config& config);

}  // namespace wgr
