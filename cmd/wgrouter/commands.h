// The commands that need no router: keys, checks, version. Each returns the exit code.
//
// Thread: the main thread, before any other.
#pragma once

#include <iosfwd>

#include "cmd/config_source.h"

namespace wgr {

int print_new_private_key(std::ostream& out);
int print_new_preshared_key(std::ostream& out);
// Reads one private key from `in`.
int print_public_key(std::istream& in, std::ostream& out, std::ostream& errors);

// "configuration ok" and a summary. Throws ConfigError.
int check_config(const ConfigSource& source, std::ostream& out);
// The effective configuration as YAML. Throws ConfigError.
int print_config(const ConfigSource& source, std::ostream& out);

enum class VersionFormat { kText, kJson };
int print_version(VersionFormat format, std::ostream& out);

// Keeps secrets out of core files and debuggers, lifts the descriptor limit to what is allowed, and outlives
// whoever reads the log.
void harden_process();

}  // namespace wgr
