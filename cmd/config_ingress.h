// The HTTP and WebSocket listeners of a configuration: which ones to open, with which paths and secrets.
//
// Thread: confined to the caller's; reads the files of secrets.
#pragma once

#include "cmd/config_files.h"

namespace wgr {

class ConfigDraft;

// Reads passphrases and tokens that stand in files, those of the metrics listener too, judges who may read
// the private keys of certificates, and tries whether certificate, key and passphrase belong together.
void read_ingress_secrets(KeyPermissions permissions, ConfigDraft& draft);

// Fills Config::ws.listeners. REQUIRES: derive_networks() was called.
void derive_listeners(ConfigDraft& draft);

// Paths given twice, networks that are not there, tokens that cannot be told apart.
void check_listeners(ConfigDraft& draft);

}  // namespace wgr
