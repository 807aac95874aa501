// The YAML reader on any text. What it accepts must be printed in a form that it accepts again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "cmd/config_draft.h"
#include "cmd/config_yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wgr;
  if (size > 64 * 1024) return 0;
  ConfigDraft draft;
  read_yaml_config({reinterpret_cast<const char*>(data), size}, "file", draft);
  for (const std::string& problem : draft.problems()) {
    if (problem.find('\n') != std::string::npos) std::abort();  // one line each
  }
  if (!draft.problems().empty()) return 0;
  std::string printed = print_yaml_config(draft.config);
  if (printed.find("(redacted)") != std::string::npos) return 0;
  ConfigDraft again;
  read_yaml_config(printed, "printed", again);
  if (!again.problems().empty() || print_yaml_config(again.config) != printed) std::abort();
  return 0;
}
