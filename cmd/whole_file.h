// Files that appear whole or not at all: written aside in their folder, synced, renamed.
//
// Thread: any; these calls block, so never on a worker.
#pragma once

#include <string>
#include <string_view>

namespace wgr {

enum class Existing : unsigned char { kKeep, kReplace };

// Writes `name` in the open folder, mode 0600. With kKeep a file that is already there stays as it is, also
// when another process made it this moment. False, with errno set: nothing has changed.
bool write_whole_file(int folder, const std::string& name, std::string_view text, Existing existing);

}  // namespace wgr
