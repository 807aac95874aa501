// The value of WG_PEERS, in either of its two forms.
//
//   index form    0,1,office              each names variables WG_PEER_<index>_PUBLIC_KEY, ...
//   inline form   public_key=K,allowed_ips=10.0.0.2/32,10.0.1.0/24,endpoint=host:51820,public_key=K2,...
//
// The inline form is split at commas, semicolons and white space. A token NAME=VALUE begins the field
// NAME (cut at the first '=', because keys end in one); a token without '=' continues the list of
// allowed_ips before it; every public_key begins a new peer. Mixing the forms, an unknown name, a field
// before the first public_key, and a field given twice are problems.
//
// Thread: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace wgr {

class ConfigDraft;

using PeerIndices = std::vector<std::string>;
struct InlinePeers {};

// The indices of the index form; or, for the inline form, InlinePeers after its peers went into the draft.
// Problems go into the draft, named after the variable.
std::variant<PeerIndices, InlinePeers> read_peers_variable(std::string_view value, ConfigDraft& draft);

}  // namespace wgr
