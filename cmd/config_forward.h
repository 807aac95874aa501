// The forwards of a configuration, and whose TCP and UDP ports of the host are whose.
//
// Thread: confined to the caller's.
#pragma once

namespace wgr {

class ConfigDraft;

// The guest's port, where it was left out.
void derive_forwards(ConfigDraft& draft);

// Ports that two want, ranges beyond 65535, a PROXY header for UDP. REQUIRES: derive_listeners() was called.
void check_forwards(ConfigDraft& draft);

}  // namespace wgr
