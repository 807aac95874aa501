// Files named by the configuration: texts with a bound on their size, and key files with a check of who
// may read them.
//
// Thread: any; these calls block, so never on a worker.
#pragma once

#include <optional>
#include <string>

#include "core/secret.h"

namespace wgr {

// A file's content, or the sentence that says why not.
struct FileText {
  std::optional<std::string> text;
  std::string fault;
  bool is_world_readable = false;
  bool is_pipe = false;
};
FileText read_text_file(const std::string& path);

enum class KeyPermissions {
  kOwnerOnly,  // no bits for group and others, and owned by this user or root
  kAny,
};

struct KeyFile {
  std::optional<SecretBytes<32>> key;
  std::string fault;  // a sentence, without the content
};
// White space around the key is ignored.
KeyFile read_key_file(const std::string& path, KeyPermissions permissions);

// A text that only the router may see, such as a token or a passphrase: one line of visible ASCII. `fault`
// never holds the content.
struct SecretText {
  std::optional<std::string> text;
  std::string fault;
};
SecretText read_secret_file(const std::string& path, KeyPermissions permissions);

// The sentence that says why nobody should read a key from this file; empty: it may be used.
std::string judge_key_file(const std::string& path, KeyPermissions permissions);

}  // namespace wgr
