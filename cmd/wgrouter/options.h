// The command line: which command, which files, which keys it overrides.
//
// Thread: pure functions.
#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/config_env.h"
#include "cmd/config_source.h"

namespace wgr {

enum class Command {
  kRun,
  kGenkey,
  kPubkey,
  kGenpsk,
  kCheckConfig,
  kPrintConfig,
  kHealthcheck,
  kVersion,
  kHelp
};

// A command line that means nothing; the sentence says why. Exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Options {
  Command command = Command::kRun;
  bool is_json = false;  // version --json
  std::string url;       // healthcheck --url; empty: as configured
  ConfigSource::Places places;
};

// `arguments` without the program's name. $WGROUTER_CONFIG and $WGROUTER_WG_CONFIG stand in for their
// flags. Throws UsageError.
Options parse_options(std::span<const std::string_view> arguments, Environment environment);

std::string help_text();

}  // namespace wgr
